CREATE TABLE `refusals` (
	`refused` integer NOT NULL,
	CONSTRAINT "refused_by_guard" CHECK("refusals"."refused" = 0)
);
