CREATE TABLE `key_limits` (
	`key_id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`requests_per_minute` integer,
	`turns_at_once` integer,
	`tokens_per_day` integer,
	`tokens_per_month` integer,
	`cost_per_month` integer,
	`streams` integer
);
--> statement-breakpoint
CREATE INDEX `key_limits_by_user` ON `key_limits` (`user_id`);--> statement-breakpoint
ALTER TABLE `turns` ADD `key_id` text;--> statement-breakpoint
CREATE INDEX `turns_reserved_by_key` ON `turns` (`key_id`) WHERE state = 'running' AND reserved_input IS NOT NULL;--> statement-breakpoint
ALTER TABLE `user_limits` ADD `streams` integer;--> statement-breakpoint
CREATE INDEX `ledger_by_key` ON `ledger` (`key_id`,`created_at`,`input_tokens`,`output_tokens`,`nanodollars`) WHERE "ledger"."key_id" is not null;