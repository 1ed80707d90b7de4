ALTER TABLE `conversations` ADD `last_sequence_number` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `conversations` ADD `head_message_id` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `parent_id` text;--> statement-breakpoint
ALTER TABLE `messages` ADD `depth` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `messages` ADD `is_refused` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `turns` RENAME COLUMN `owner_id` TO `instance_id`;--> statement-breakpoint
ALTER TABLE `turns` ADD `user_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `turns` ADD `prompt_message_id` text;--> statement-breakpoint
ALTER TABLE `turns` ADD `previous_head_id` text;--> statement-breakpoint
-- Until now every conversation was one line: each message follows the one before it.
UPDATE `messages` SET `depth` = `sequence_number`, `parent_id` = (
  SELECT p.`id` FROM `messages` p
  WHERE p.`conversation_id` = `messages`.`conversation_id` AND p.`sequence_number` = `messages`.`sequence_number` - 1
);--> statement-breakpoint
UPDATE `conversations` SET `last_sequence_number` = `message_count`, `head_message_id` = (
  SELECT m.`id` FROM `messages` m
  WHERE m.`conversation_id` = `conversations`.`id` AND m.`sequence_number` = `conversations`.`message_count`
);--> statement-breakpoint
UPDATE `turns` SET `prompt_message_id` = `user_message_id`, `user_id` = (
  SELECT c.`user_id` FROM `conversations` c WHERE c.`id` = `turns`.`conversation_id`
);--> statement-breakpoint
ALTER TABLE `turns` DROP COLUMN `user_message_id`;--> statement-breakpoint
CREATE INDEX `messages_by_parent` ON `messages` (`conversation_id`,`parent_id`);
