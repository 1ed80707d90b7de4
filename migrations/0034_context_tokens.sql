ALTER TABLE `messages` ADD `context_tokens` integer;--> statement-breakpoint
-- Only keys without limits of their own come this way, so only the user's requests are counted. One
-- row of values needs no table on the way.
DROP TRIGGER `usage_requests_granted`;
--> statement-breakpoint
CREATE TRIGGER `usage_requests_granted` AFTER INSERT ON `turns`
WHEN new.`reserved_input` IS NOT NULL AND EXISTS (SELECT 1 FROM `usage_sums`
	WHERE `user_id` = new.`user_id` AND `key_id` = '' AND `requests_since` IS NOT NULL)
BEGIN
	INSERT INTO `usage_requests` (`user_id`, `key_id`, `second`, `requests`) VALUES (new.`user_id`, '', unixepoch(), 1)
		ON CONFLICT DO UPDATE SET `requests` = `requests` + 1;
END;
