-- Few keys have limits of their own, so few turns are in this index.
DROP INDEX `turns_reserved_by_key`;
--> statement-breakpoint
ALTER TABLE `turns` ADD `reserved_key_id` text;
--> statement-breakpoint
UPDATE `turns` SET `reserved_key_id` = `key_id` WHERE `state` = 'running' AND `reserved_input` IS NOT NULL
	AND `key_id` IN (SELECT `key_id` FROM `key_limits`);
--> statement-breakpoint
CREATE INDEX `turns_reserved_by_key` ON `turns` (`reserved_key_id`) WHERE state = 'running' AND reserved_key_id IS NOT NULL;
--> statement-breakpoint
-- A turn that is granted what it wants when it is inserted is a request as well.
CREATE TRIGGER `usage_requests_granted` AFTER INSERT ON `turns`
WHEN new.`reserved_input` IS NOT NULL
BEGIN
	INSERT INTO `usage_requests` (`user_id`, `key_id`, `second`, `requests`)
		SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `user_id` = new.`user_id` AND `key_id` = '' AND `requests_since` IS NOT NULL
		UNION ALL SELECT `user_id`, `key_id`, unixepoch(), 1 FROM `usage_sums`
			WHERE `key_id` = new.`key_id` AND `key_id` <> '' AND `requests_since` IS NOT NULL
		ON CONFLICT DO UPDATE SET `requests` = `requests` + 1;
END;
