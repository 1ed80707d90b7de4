ALTER TABLE `conversations` ADD `client_id` text;--> statement-breakpoint
CREATE UNIQUE INDEX `conversations_by_client_id` ON `conversations` (`user_id`,`client_id`) WHERE "conversations"."client_id" is not null;--> statement-breakpoint
ALTER TABLE `messages` ADD `client_id` text;--> statement-breakpoint
CREATE INDEX `messages_by_client_id` ON `messages` (`conversation_id`,`client_id`) WHERE "messages"."client_id" is not null;