CREATE TABLE `erasures` (
	`user_id` text PRIMARY KEY NOT NULL,
	`requested_at` integer NOT NULL,
	`due_at` integer NOT NULL,
	`keeps_usage_until` integer
);
--> statement-breakpoint
CREATE INDEX `erasures_by_due` ON `erasures` (`due_at`);--> statement-breakpoint
ALTER TABLE `tool_runs` ADD `user_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `tool_runs` ADD `conversation_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX `tool_runs_by_user` ON `tool_runs` (`user_id`,`conversation_id`);
--> statement-breakpoint
UPDATE `tool_runs` SET (`user_id`, `conversation_id`) = (SELECT t.`user_id`, t.`conversation_id` FROM `turns` t WHERE t.`id` = `tool_runs`.`turn_id`)
  WHERE EXISTS (SELECT 1 FROM `turns` t WHERE t.`id` = `tool_runs`.`turn_id`);--> statement-breakpoint
UPDATE `tool_runs` SET `output` = NULL WHERE `user_id` = '';
