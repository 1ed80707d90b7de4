-- A line is found by the numbers of its messages: only what branches is in this index.
DROP INDEX `messages_by_parent`;--> statement-breakpoint
CREATE INDEX `messages_by_parent` ON `messages` (`conversation_id`,`parent_id`,`sequence_number`) WHERE "messages"."depth" <> "messages"."sequence_number";