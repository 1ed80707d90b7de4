CREATE TABLE `document_drafts` (
	`document_id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`version` integer NOT NULL,
	`title` text NOT NULL,
	`url` text,
	`mime_type` text NOT NULL,
	`metadata` text NOT NULL,
	`content_hash` text NOT NULL,
	`size` integer NOT NULL,
	`chunk_count` integer NOT NULL,
	`embedding_model` text,
	`dimension` integer,
	`purpose` text NOT NULL,
	`done` integer NOT NULL,
	`heartbeat_at` integer NOT NULL,
	`text` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `documents` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`conversation_id` text,
	`version` integer,
	`title` text NOT NULL,
	`url` text,
	`mime_type` text NOT NULL,
	`metadata` text NOT NULL,
	`content_hash` text NOT NULL,
	`size` integer NOT NULL,
	`chunk_count` integer NOT NULL,
	`embedding_model` text,
	`dimension` integer,
	`status` text NOT NULL,
	`error` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`text` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `documents_by_user` ON `documents` (`user_id`,`id`);--> statement-breakpoint
CREATE INDEX `documents_by_hash` ON `documents` (`user_id`,`content_hash`);--> statement-breakpoint
CREATE INDEX `documents_by_conversation` ON `documents` (`conversation_id`);