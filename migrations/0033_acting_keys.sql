-- A key acts for its own user as a rule, among whose entries its own are found. Only what it did for
-- others needs an index, which each entry of a key was written to before.
ALTER TABLE `ledger` ADD `acting_key_id` text;--> statement-breakpoint
UPDATE `ledger` SET `acting_key_id` = `key_id` WHERE `key_id` IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM `credentials` WHERE `id` = `ledger`.`key_id` AND `user_id` = `ledger`.`user_id`);--> statement-breakpoint
DROP INDEX `ledger_by_key`;--> statement-breakpoint
CREATE INDEX `ledger_by_acting_key` ON `ledger` (`acting_key_id`,`created_at`) WHERE "ledger"."acting_key_id" is not null;--> statement-breakpoint
-- A trigger, so that what a process of an earlier version writes meanwhile is found as well.
CREATE TRIGGER `ledger_acting_key` AFTER INSERT ON `ledger`
WHEN new.`key_id` IS NOT NULL AND NOT EXISTS (SELECT 1 FROM `credentials` WHERE `id` = new.`key_id` AND `user_id` = new.`user_id`)
BEGIN
	UPDATE `ledger` SET `acting_key_id` = new.`key_id`
		WHERE `user_id` = new.`user_id` AND `work_id` = new.`work_id` AND `number` = new.`number`;
END;
