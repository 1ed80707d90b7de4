CREATE TABLE `file_contents` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`sha256` text,
	`size` integer DEFAULT 0 NOT NULL,
	`mime_type` text,
	`created_at` integer NOT NULL,
	`text` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `file_contents_by_hash` ON `file_contents` (`user_id`,`sha256`);--> statement-breakpoint
CREATE INDEX `file_contents_arriving` ON `file_contents` (`created_at`) WHERE "file_contents"."sha256" is null;--> statement-breakpoint
CREATE TABLE `file_pieces` (
	`content_id` text NOT NULL,
	`number` integer NOT NULL,
	`bytes` blob NOT NULL,
	PRIMARY KEY(`content_id`, `number`)
);
--> statement-breakpoint
CREATE TABLE `files` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`content_id` text NOT NULL,
	`name` text NOT NULL,
	`mime_type` text NOT NULL,
	`size` integer NOT NULL,
	`sha256` text NOT NULL,
	`text_tokens` integer,
	`is_removed` integer DEFAULT false NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `files_by_user` ON `files` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `files_by_content` ON `files` (`content_id`,`is_removed`);--> statement-breakpoint
CREATE INDEX `files_removed` ON `files` (`is_removed`,`content_id`) WHERE "is_removed" = 1;--> statement-breakpoint
CREATE TABLE `message_files` (
	`message_id` text NOT NULL,
	`file_id` text NOT NULL,
	`conversation_id` text NOT NULL,
	PRIMARY KEY(`message_id`, `file_id`)
);
--> statement-breakpoint
CREATE INDEX `message_files_by_file` ON `message_files` (`file_id`);--> statement-breakpoint
CREATE INDEX `message_files_by_conversation` ON `message_files` (`conversation_id`);