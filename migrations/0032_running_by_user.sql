-- One index finds the turn that runs in a conversation, and what those of a user have reserved: a
-- turn with limits wrote a page of a second one when it began, and once more when it ended.
DROP INDEX `turns_reserved`;--> statement-breakpoint
DROP INDEX `turns_running`;--> statement-breakpoint
CREATE UNIQUE INDEX `turns_running` ON `turns` (`user_id`,`conversation_id`) WHERE state = 'running';