ALTER TABLE `messages` ADD `token_ratio` real;
