ALTER TABLE `documents` ADD `revision` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `documents_by_revision` ON `documents` (`user_id`,`revision`,`id`);--> statement-breakpoint
ALTER TABLE `owners` ADD `revision` integer DEFAULT 0 NOT NULL;
