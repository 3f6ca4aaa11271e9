-- Which of the sessions a bulk end ends, as the JSON of a filter; without one all of them.
ALTER TABLE bulk_ends ADD COLUMN filter TEXT;
