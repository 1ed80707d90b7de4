ALTER TABLE `messages` ADD `is_valid` integer;--> statement-breakpoint
ALTER TABLE `turns` ADD `parameters` text;