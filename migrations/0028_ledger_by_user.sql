-- A user's entries lie together, in the order of their time, with which their ids begin. So the
-- table needs no index by user and time, and an entry is written in one place.
CREATE TABLE `ledger_by_time` (
	`work_id` text NOT NULL,
	`number` integer NOT NULL,
	`user_id` text NOT NULL,
	`conversation_id` text,
	`key_id` text,
	`kind` text NOT NULL,
	`model` text NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`is_estimated` integer NOT NULL,
	`nanodollars` integer,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`user_id`, `work_id`, `number`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `ledger_by_time` (`work_id`, `number`, `user_id`, `conversation_id`, `key_id`, `kind`, `model`, `input_tokens`, `output_tokens`, `cached_tokens`, `reasoning_tokens`, `is_estimated`, `nanodollars`, `created_at`)
	SELECT `work_id`, `number`, `user_id`, `conversation_id`, `key_id`, `kind`, `model`, `input_tokens`, `output_tokens`, `cached_tokens`, `reasoning_tokens`, `is_estimated`, `nanodollars`, `created_at` FROM `ledger`;
--> statement-breakpoint
-- Takes its indexes and triggers along, which are made anew.
DROP TABLE `ledger`;
--> statement-breakpoint
ALTER TABLE `ledger_by_time` RENAME TO `ledger`;
--> statement-breakpoint
CREATE INDEX `ledger_by_key` ON `ledger` (`key_id`,`created_at`,`input_tokens`,`output_tokens`,`nanodollars`) WHERE "ledger"."key_id" is not null;
--> statement-breakpoint
-- Adds a new entry of the ledger to the sums of its user, and to those of its key.
CREATE TRIGGER `usage_sums_add` AFTER INSERT ON `ledger`
BEGIN
	UPDATE `usage_sums` SET
		`day_tokens` = `day_tokens` + CASE WHEN new.`created_at` >= `day` THEN new.`input_tokens` + new.`output_tokens` ELSE 0 END,
		`month_tokens` = `month_tokens` + CASE WHEN new.`created_at` >= `month` THEN new.`input_tokens` + new.`output_tokens` ELSE 0 END,
		`month_cost` = `month_cost` + CASE WHEN new.`created_at` >= `month` THEN coalesce(new.`nanodollars`, 0) ELSE 0 END
	WHERE `user_id` = new.`user_id` AND `key_id` = '';
	UPDATE `usage_sums` SET
		`day_tokens` = `day_tokens` + CASE WHEN new.`created_at` >= `day` THEN new.`input_tokens` + new.`output_tokens` ELSE 0 END,
		`month_tokens` = `month_tokens` + CASE WHEN new.`created_at` >= `month` THEN new.`input_tokens` + new.`output_tokens` ELSE 0 END,
		`month_cost` = `month_cost` + CASE WHEN new.`created_at` >= `month` THEN coalesce(new.`nanodollars`, 0) ELSE 0 END
	WHERE `key_id` = new.`key_id` AND `key_id` <> '';
END;
--> statement-breakpoint
-- An entry that changes makes the sums be worked out anew; a repeat of the same entry does not.
CREATE TRIGGER `usage_sums_change` AFTER UPDATE OF `user_id`, `key_id`, `input_tokens`, `output_tokens`, `nanodollars`, `created_at` ON `ledger`
WHEN new.`user_id` <> old.`user_id` OR new.`key_id` IS NOT old.`key_id` OR new.`input_tokens` <> old.`input_tokens`
	OR new.`output_tokens` <> old.`output_tokens` OR new.`nanodollars` IS NOT old.`nanodollars` OR new.`created_at` <> old.`created_at`
BEGIN
	UPDATE `usage_sums` SET `day` = 0, `month` = 0 WHERE `user_id` IN (old.`user_id`, new.`user_id`) AND `key_id` = '';
	UPDATE `usage_sums` SET `day` = 0, `month` = 0 WHERE `key_id` IN (old.`key_id`, new.`key_id`) AND `key_id` <> '';
END;
--> statement-breakpoint
CREATE TRIGGER `usage_sums_remove` AFTER DELETE ON `ledger`
BEGIN
	UPDATE `usage_sums` SET `day` = 0, `month` = 0 WHERE `user_id` = old.`user_id` AND `key_id` = '';
	UPDATE `usage_sums` SET `day` = 0, `month` = 0 WHERE `key_id` = old.`key_id` AND `key_id` <> '';
END;
--> statement-breakpoint
-- Other work is one when the first of its calls is recorded; only turns have answers.
CREATE TRIGGER `usage_requests_work` AFTER INSERT ON `ledger`
WHEN new.`kind` <> 'answer' AND NOT EXISTS (SELECT 1 FROM `ledger` WHERE `user_id` = new.`user_id` AND `work_id` = new.`work_id` AND `number` <> new.`number`)
	AND NOT EXISTS (SELECT 1 FROM `turns` WHERE `id` = new.`work_id` AND `reserved_input` IS NOT NULL)
BEGIN
	INSERT INTO `usage_requests` (`user_id`, `key_id`, `second`, `requests`)
		SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `user_id` = new.`user_id` AND `key_id` = '' AND `requests_since` IS NOT NULL
		UNION ALL SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `key_id` = new.`key_id` AND `key_id` <> '' AND `requests_since` IS NOT NULL
		ON CONFLICT DO UPDATE SET `requests` = `requests` + 1;
END;
