CREATE TABLE `credential_refusals` (
	`refused` integer NOT NULL,
	CONSTRAINT "refused_credential" CHECK("credential_refusals"."refused" = 0)
);
--> statement-breakpoint
CREATE TABLE `credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`user_id` text NOT NULL,
	`hash` text NOT NULL,
	`name` text,
	`scopes` text NOT NULL,
	`parent_id` text,
	`bound_to` text,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer
);
--> statement-breakpoint
CREATE INDEX `credentials_by_user` ON `credentials` (`user_id`,`kind`,`created_at`);--> statement-breakpoint
CREATE INDEX `credentials_that_are_keys` ON `credentials` (`created_at`) WHERE "kind" = 'key';--> statement-breakpoint
CREATE INDEX `credentials_by_parent` ON `credentials` (`parent_id`);