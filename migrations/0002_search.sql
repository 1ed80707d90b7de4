-- What drizzle cannot express: the tables of src/store/search-schema.ts.
CREATE TABLE owners (
	user_id TEXT PRIMARY KEY,
	number INTEGER NOT NULL UNIQUE,
	last_chunk INTEGER NOT NULL DEFAULT 0,
	chunk_count INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE chunks (
	id INTEGER PRIMARY KEY,
	version INTEGER NOT NULL,
	document_id TEXT NOT NULL,
	ordinal INTEGER NOT NULL,
	start_offset INTEGER NOT NULL,
	end_offset INTEGER NOT NULL,
	headings TEXT NOT NULL,
	text TEXT NOT NULL
);
--> statement-breakpoint
CREATE INDEX chunks_by_version ON chunks (version, ordinal);
--> statement-breakpoint
CREATE TABLE chunk_vectors (
	id INTEGER PRIMARY KEY,
	version INTEGER NOT NULL,
	embedding F32_BLOB NOT NULL
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_0 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_1 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_2 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_3 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_4 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_5 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_6 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_7 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_8 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_9 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_10 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_11 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_12 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_13 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_14 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
--> statement-breakpoint
CREATE VIRTUAL TABLE chunk_words_15 USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
