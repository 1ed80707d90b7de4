ALTER TABLE `messages` ADD `history_hash` text;--> statement-breakpoint
CREATE INDEX `messages_by_history_hash` ON `messages` (`history_hash`) WHERE "messages"."history_hash" is not null;