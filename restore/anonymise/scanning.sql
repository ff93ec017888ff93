-- Finds e-mail addresses and IBANs in texts, and keeps those that were found first as salted
-- digests, in a table that goes with the session. The salt is in the setting pra.salt.

CREATE TEMPORARY TABLE pra_found (
    place integer NOT NULL, kind text NOT NULL, digest bytea NOT NULL, number bigint NOT NULL);

CREATE FUNCTION pg_temp.pra_digest(kind text, value text) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(current_setting('pra.salt') || kind || ':' || value, 'UTF8'))
$$;

-- The IBAN with which a text begins, as it is written there; NULL when it begins with none.
CREATE FUNCTION pg_temp.pra_leading_iban(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    size integer := '{lengths}'::jsonb ->> upper(left(value, 2));
    written text;
    signs text;
BEGIN
    IF size IS NULL THEN
        RETURN NULL;
    END IF;
    written := substring(value FROM '^(?:[^A-Za-z0-9]?[A-Za-z0-9]){' || size || '}');
    signs := upper(regexp_replace(written, '[^A-Za-z0-9]', '', 'g'));
    RETURN CASE WHEN pg_temp.pra_mod97(substr(signs, 5) || left(signs, 4)) = 1 THEN written END;
END $$;

-- Every address and IBAN of a text: its kind, how it is written, and its digest.
CREATE FUNCTION pg_temp.pra_in_text(value text)
RETURNS TABLE (kind text, written text, digest bytea) LANGUAGE plpgsql STABLE STRICT ROWS 2 AS $$
BEGIN
    IF position('@' IN value) > 0 THEN
        RETURN QUERY SELECT 'email'::text, m[1], pg_temp.pra_digest('email', lower(m[1]))
        FROM regexp_matches(value, '{email}', 'g') AS m;
    END IF;
    IF value ~ '{pair}' AND value ~ '{maybe}' THEN
        RETURN QUERY SELECT 'iban'::text, i, pg_temp.pra_digest(
            'iban', upper(regexp_replace(i, '[^A-Za-z0-9]', '', 'g')))
        FROM regexp_matches(value, '{iban}', 'g') AS m, pg_temp.pra_leading_iban(m[1]) AS i
        WHERE i IS NOT NULL;
    END IF;
END $$;

-- A text whose originals are replaced, and nothing else of it.
CREATE FUNCTION pg_temp.pra_scrub(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT DISTINCT f.kind, f.written FROM pg_temp.pra_in_text(value) AS f
        WHERE f.digest IN (SELECT o.digest FROM pg_temp.pra_original AS o)
        ORDER BY f.written DESC
    LOOP
        value := replace(value, one.written, CASE one.kind
            WHEN 'email' THEN pg_temp.pra_address(one.written)
            ELSE pg_temp.pra_iban(one.written) END);
    END LOOP;
    RETURN value;
END $$;
