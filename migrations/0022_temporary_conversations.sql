ALTER TABLE `conversations` ADD `is_temporary` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `conversations_temporary` ON `conversations` (`created_at`) WHERE is_temporary = 1;