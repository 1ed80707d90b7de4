-- Both tables keep a row once, in the order of its key.
CREATE TABLE `usage_requests` (
	`user_id` text NOT NULL,
	`key_id` text NOT NULL,
	`second` integer NOT NULL,
	`requests` integer NOT NULL,
	PRIMARY KEY(`user_id`, `key_id`, `second`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `usage_sums` (
	`user_id` text NOT NULL,
	`key_id` text NOT NULL,
	`day` integer NOT NULL,
	`day_tokens` integer NOT NULL,
	`month` integer NOT NULL,
	`month_tokens` integer NOT NULL,
	`month_cost` integer NOT NULL,
	`requests_since` integer,
	PRIMARY KEY(`user_id`, `key_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `usage_sums_by_key` ON `usage_sums` (`key_id`);
--> statement-breakpoint
ALTER TABLE `turns` ADD `budget` text;
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
-- A turn is a request when it is accepted: that is when its tokens are reserved.
CREATE TRIGGER `usage_requests_turn` AFTER UPDATE OF `reserved_input` ON `turns`
WHEN old.`reserved_input` IS NULL AND new.`reserved_input` IS NOT NULL
BEGIN
	INSERT INTO `usage_requests` (`user_id`, `key_id`, `second`, `requests`)
		SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `user_id` = new.`user_id` AND `key_id` = '' AND `requests_since` IS NOT NULL
		UNION ALL SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `key_id` = new.`key_id` AND `key_id` <> '' AND `requests_since` IS NOT NULL
		ON CONFLICT DO UPDATE SET `requests` = `requests` + 1;
END;
--> statement-breakpoint
-- Other work is one when the first of its calls is recorded; only turns have answers.
CREATE TRIGGER `usage_requests_work` AFTER INSERT ON `ledger`
WHEN new.`kind` <> 'answer' AND NOT EXISTS (SELECT 1 FROM `ledger` WHERE `work_id` = new.`work_id` AND `number` <> new.`number`)
	AND NOT EXISTS (SELECT 1 FROM `turns` WHERE `id` = new.`work_id` AND `reserved_input` IS NOT NULL)
BEGIN
	INSERT INTO `usage_requests` (`user_id`, `key_id`, `second`, `requests`)
		SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `user_id` = new.`user_id` AND `key_id` = '' AND `requests_since` IS NOT NULL
		UNION ALL SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `key_id` = new.`key_id` AND `key_id` <> '' AND `requests_since` IS NOT NULL
		ON CONFLICT DO UPDATE SET `requests` = `requests` + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `usage_requests_forget` AFTER INSERT ON `usage_requests`
BEGIN
	DELETE FROM `usage_requests` WHERE `user_id` = new.`user_id` AND `key_id` = new.`key_id` AND `second` < new.`second` - 61;
END;
