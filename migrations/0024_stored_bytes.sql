ALTER TABLE `key_limits` ADD `stored_bytes` integer;--> statement-breakpoint
ALTER TABLE `user_limits` ADD `stored_bytes` integer;