DROP INDEX `messages_by_parent`;--> statement-breakpoint
CREATE INDEX `messages_by_parent` ON `messages` (`conversation_id`,`parent_id`,`sequence_number`);