ALTER TABLE `document_drafts` ADD `charset` text;--> statement-breakpoint
ALTER TABLE `documents` ADD `charset` text;