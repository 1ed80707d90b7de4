ALTER TABLE `document_drafts` ADD `language` text;--> statement-breakpoint
ALTER TABLE `documents` ADD `language` text;--> statement-breakpoint
CREATE INDEX `documents_by_language` ON `documents` (`user_id`,`language`);