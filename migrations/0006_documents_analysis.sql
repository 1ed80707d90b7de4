ALTER TABLE `document_drafts` ADD `analysis` integer;--> statement-breakpoint
ALTER TABLE `documents` ADD `analysis` integer;