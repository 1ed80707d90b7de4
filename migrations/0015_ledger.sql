-- The ledger has no row numbers: a row is kept once, in the order of its key.
CREATE TABLE `ledger` (
	`work_id` text NOT NULL,
	`number` integer NOT NULL,
	`user_id` text NOT NULL,
	`conversation_id` text,
	`key_id` text,
	`kind` text NOT NULL,
	`model` text NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`is_estimated` integer NOT NULL,
	`nanodollars` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`work_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `ledger_by_user` ON `ledger` (`user_id`,`created_at`,`input_tokens`,`output_tokens`,`nanodollars`);--> statement-breakpoint
CREATE TABLE `user_limits` (
	`user_id` text PRIMARY KEY NOT NULL,
	`requests_per_minute` integer,
	`turns_at_once` integer,
	`tokens_per_day` integer,
	`tokens_per_month` integer,
	`cost_per_month` integer
);
--> statement-breakpoint
ALTER TABLE `turns` ADD `reserved_input` integer;--> statement-breakpoint
ALTER TABLE `turns` ADD `reserved_output` integer;--> statement-breakpoint
ALTER TABLE `turns` ADD `input_price` real;--> statement-breakpoint
ALTER TABLE `turns` ADD `output_price` real;--> statement-breakpoint
CREATE INDEX `turns_reserved` ON `turns` (`user_id`) WHERE state = 'running' AND reserved_input IS NOT NULL;