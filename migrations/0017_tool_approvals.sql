CREATE TABLE `tool_permissions` (
	`user_id` text NOT NULL,
	`tool` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `tool`)
);
--> statement-breakpoint
CREATE TABLE `tool_runs` (
	`approval_id` text PRIMARY KEY NOT NULL,
	`turn_id` text NOT NULL,
	`output` text,
	`created_at` integer NOT NULL
);
