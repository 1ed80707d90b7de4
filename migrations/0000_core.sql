CREATE TABLE `connections` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`instance_id` text NOT NULL,
	`heartbeat_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `connections_by_user` ON `connections` (`user_id`,`heartbeat_at`);--> statement-breakpoint
CREATE INDEX `connections_by_instance` ON `connections` (`instance_id`);--> statement-breakpoint
CREATE TABLE `conversations` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`title` text,
	`mode` text NOT NULL,
	`model` text,
	`instructions` text,
	`message_count` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `conversations_by_user` ON `conversations` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`scope` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`resource_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`scope`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_by_age` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE TABLE `messages` (
	`id` text PRIMARY KEY NOT NULL,
	`conversation_id` text NOT NULL,
	`turn_id` text,
	`role` text NOT NULL,
	`status` text NOT NULL,
	`sequence_number` integer NOT NULL,
	`parts` text NOT NULL,
	`text_length` integer NOT NULL,
	`model` text,
	`input_tokens` integer,
	`output_tokens` integer,
	`tokens_estimated` integer DEFAULT true NOT NULL,
	`finish_reason` text,
	`first_token_ms` integer,
	`duration_ms` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`conversation_id`) REFERENCES `conversations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_sequence` ON `messages` (`conversation_id`,`sequence_number`);--> statement-breakpoint
CREATE TABLE `turns` (
	`id` text PRIMARY KEY NOT NULL,
	`conversation_id` text NOT NULL,
	`owner_id` text NOT NULL,
	`state` text NOT NULL,
	`sequence_number` integer NOT NULL,
	`user_message_id` text NOT NULL,
	`assistant_message_id` text NOT NULL,
	`model` text NOT NULL,
	`created` integer DEFAULT false NOT NULL,
	`heartbeat_at` integer NOT NULL,
	`cancel_requested_at` integer,
	`error` text,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`conversation_id`) REFERENCES `conversations`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE UNIQUE INDEX `turns_running` ON `turns` (`conversation_id`) WHERE state = 'running';--> statement-breakpoint
CREATE INDEX `turns_by_conversation` ON `turns` (`conversation_id`,`sequence_number`);--> statement-breakpoint
CREATE INDEX `turns_stale` ON `turns` (`heartbeat_at`) WHERE state = 'running';