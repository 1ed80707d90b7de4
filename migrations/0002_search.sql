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
CREATE VIRTUAL TABLE chunk_words USING fts5(
	title, text, content='', contentless_delete=1, tokenize='porter unicode61'
);
