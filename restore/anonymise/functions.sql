-- What turns an original into its replacement. Made anew in each session, as temporary functions.
-- Each is a pure function of the key and the original, whatever table or database it stands in.
-- The key is in the session's settings pra.inner and pra.outer, never in a statement.

CREATE FUNCTION pg_temp.pra_hmac(kind text, value text) RETURNS bytea LANGUAGE sql STABLE AS $$
    -- HMAC-SHA-256 (RFC 2104) without an extension: the settings hold the padded key's two forms.
    SELECT sha256(decode(current_setting('pra.outer'), 'hex') || sha256(
        decode(current_setting('pra.inner'), 'hex') || convert_to(kind || ':' || value, 'UTF8')))
$$;

CREATE FUNCTION pg_temp.pra_token(kind text, value text, length integer) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT substr(encode(pg_temp.pra_hmac(kind, value), 'hex'), 1, length)
$$;

-- A word of consonants and vowels, 6 bits of the digest a syllable.
CREATE FUNCTION pg_temp.pra_word(digest bytea, syllables integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    c text := translate(encode(substr(digest, 1, 3), 'hex'), '0123456789abcdef', 'bcdfglmnprstvzjk');
    v text := translate(encode(substr(digest, 4, 3), 'hex'), '0123456789abcdef', 'aeioaeioaeioaeio');
BEGIN
    RETURN upper(left(c, 1)) || left(v, 1) || substr(c, 2, 1) || substr(v, 2, 1)
        || substr(c, 3, 1) || substr(v, 3, 1) || CASE WHEN syllables > 3
        THEN substr(c, 4, 1) || substr(v, 4, 1) ELSE '' END || CASE WHEN syllables > 4
        THEN substr(c, 5, 1) || substr(v, 5, 1) ELSE '' END;
END $$;

CREATE FUNCTION pg_temp.pra_first_of(digest bytea) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT ('{Adele,Agnes,Alain,Albert,Alice,Amelie,Andre,Anne,Antoine,Arthur,Aude,Axel,Basile,'
        'Benoit,Berthe,Blanche,Camille,Carla,Cecile,Celeste,Charles,Claire,Claude,Clara,Colette,'
        'Daniel,David,Denis,Diane,Elise,Emile,Emma,Eric,Eva,Felix,Flora,Gabriel,Gilles,Helene,'
        'Henri,Hugo,Ines,Irene,Jade,Jean,Jeanne,Jules,Julie,Laura,Leo,Louis,Lucie,Marc,Marie,'
        'Nadia,Noe,Olivier,Paul,Pierre,Rose,Simon,Sophie,Victor,Zoe}'::text[]
        )[(get_byte(digest, 31) & 63) + 1]
$$;

CREATE FUNCTION pg_temp.pra_first_name(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value
        ELSE pg_temp.pra_first_of(pg_temp.pra_hmac('first-name', value)) END;
END $$;

CREATE FUNCTION pg_temp.pra_last_name(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value
        ELSE pg_temp.pra_word(pg_temp.pra_hmac('last-name', value), 5) END;
END $$;

CREATE FUNCTION pg_temp.pra_person(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    digest bytea := pg_temp.pra_hmac('person', value);
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value
        ELSE pg_temp.pra_first_of(digest) || ' ' || pg_temp.pra_word(digest, 5) END;
END $$;

CREATE FUNCTION pg_temp.pra_company(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    digest bytea := pg_temp.pra_hmac('company', value);
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value ELSE pg_temp.pra_word(digest, 5) || ' '
        || ('{SA,SARL,SAS,Group,Ltd,GmbH,SRL,Inc}'::text[])[(get_byte(digest, 31) & 7) + 1] END;
END $$;

CREATE FUNCTION pg_temp.pra_city(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value
        ELSE pg_temp.pra_word(pg_temp.pra_hmac('city', value), 4) END;
END $$;

CREATE FUNCTION pg_temp.pra_street(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    digest bytea := pg_temp.pra_hmac('street', value);
BEGIN
    RETURN CASE WHEN btrim(value) = '' THEN value
        ELSE get_byte(digest, 31) + 1 || ' rue ' || pg_temp.pra_word(digest, 5) END;
END $$;

CREATE FUNCTION pg_temp.pra_address(value text) RETURNS text LANGUAGE sql STABLE AS $$
    -- One e-mail address; it is the same one however its letters are written.
    -- A digit is its second sign, so that it can't be taken for the beginning of an IBAN.
    SELECT 'a0' || pg_temp.pra_token('email', lower(btrim(value)), 18)
        || '@' || current_setting('pra.domain')
$$;

CREATE FUNCTION pg_temp.pra_email(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    part text[];
    found text;
BEGIN
    IF value ~ '^\s*[^\s@<>"'',;]+@[^\s@<>"'',;]+\s*$' THEN
        RETURN pg_temp.pra_address(value);
    ELSIF btrim(value) = '' THEN
        RETURN value;
    END IF;
    part := regexp_match(value, '^\s*"?([^"<>@]*?)"?\s*<\s*([^\s<>@]+@[^\s<>@]+)\s*>\s*$');
    IF part IS NOT NULL THEN
        RETURN CASE WHEN btrim(part[1]) = '' THEN ''
            ELSE '"' || pg_temp.pra_person(btrim(part[1])) || '" ' END
            || '<' || pg_temp.pra_address(part[2]) || '>';
    END IF;
    SELECT string_agg(pg_temp.pra_address(m[1]), ', ' ORDER BY n) INTO found
    FROM regexp_matches(value, '([^\s@<>"'',;]+@[^\s@<>"'',;]+)', 'g') WITH ORDINALITY AS x(m, n);
    RETURN coalesce(found, pg_temp.pra_address(value));
END $$;

CREATE FUNCTION pg_temp.pra_login(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF btrim(value) = '' THEN
        RETURN value;
    ELSIF position('@' IN value) = 0 THEN
        RETURN 'user-' || pg_temp.pra_token('login', value, 12);
    ELSIF value = lower(btrim(value)) THEN
        RETURN pg_temp.pra_address(value);
    END IF;
    -- Logins that differ by their letters' case only stay different.
    RETURN pg_temp.pra_token('login', value, 6) || '.' || pg_temp.pra_address(value);
END $$;

-- Replaces a number's digits by others, as many: a permutation, so that no two numbers become one.
-- A Feistel network over decimal halves, whose round function is SHA-256 of the padded key and all
-- that the round depends on, of which nothing but the remainder is seen.
CREATE FUNCTION pg_temp.pra_digits(tweak text, digits text) RETURNS text
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    key CONSTANT bytea := decode(current_setting('pra.inner'), 'hex');
    size CONSTANT integer := length(digits);
    half CONSTANT integer := size / 2;
    small bigint;
    large bigint;
    one bigint;
    two bigint;
    salt bytea;
    digest bytea;
BEGIN
    IF size = 0 THEN
        RETURN digits;
    ELSIF size > 36 THEN
        RETURN pg_temp.pra_digits(tweak, left(digits, size - 36))
            || pg_temp.pra_digits(tweak, right(digits, 36));
    ELSIF size = 1 THEN
        RETURN ((digits::integer + get_byte(sha256(key || convert_to('digit:' || tweak, 'UTF8')), 0)) % 10)::text;
    END IF;
    small := 10::numeric ^ half;
    large := 10::numeric ^ (size - half);
    one := left(digits, half)::bigint;
    two := right(digits, size - half)::bigint;
    salt := key || convert_to('digits:' || tweak || ':' || size || ':', 'UTF8');
    FOR round IN 1 .. 2 LOOP
        digest := sha256(salt || ('a' || round || ':' || two)::bytea);
        one := (one + (('x' || encode(substr(digest, 1, 8), 'hex'))::bit(64)::bigint
            & 9223372036854775807) % small) % small;
        digest := sha256(salt || ('b' || round || ':' || one)::bytea);
        two := (two + (('x' || encode(substr(digest, 1, 8), 'hex'))::bit(64)::bigint
            & 9223372036854775807) % large) % large;
    END LOOP;
    RETURN lpad(one::text, half, '0') || lpad(two::text, size - half, '0');
END $$;

CREATE FUNCTION pg_temp.pra_phone(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    others text := translate(value, '0123456789', '');
    digits text := translate(value, others, '');
    kept integer := greatest(length(digits) - 8, 0);
BEGIN
    IF digits = '' OR length(digits) > 40 THEN
        RETURN '';
    END IF;
    -- Words go, as they may be names.
    value := translate(value, translate(others, '+() ./-', ''), '');
    -- The last eight digits change, by the ninth: however a country is written before them.
    digits := left(digits, kept) || pg_temp.pra_digits(
        'phone:' || substr(digits, kept, least(kept, 1)), substr(digits, kept + 1));
    RETURN to_char(digits::numeric, 'FM' || replace(
        translate(value, '123456789', '000000000'), '.', '"."'));
END $$;

-- Letters and digits for letters and digits; everything else of a form is left in its place.
CREATE FUNCTION pg_temp.pra_alnum(tweak text, value text) RETURNS text
LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    letters text := regexp_replace(value, '[^A-Z]', '', 'g');
    form text := tweak || ':' || regexp_replace(value, '[0-9]', '0', 'g');
    digits text := pg_temp.pra_digits(form, regexp_replace(value, '[^0-9]', '', 'g'));
    digest bytea;
    result text := '';
    one text;
    done integer := 0;
    letter integer := 0;
BEGIN
    IF letters = '' AND length(digits) = length(value) THEN
        RETURN digits;
    END IF;
    digest := pg_temp.pra_hmac('letters', tweak || ':' || letters);
    FOREACH one IN ARRAY string_to_array(value, NULL) LOOP
        IF one BETWEEN '0' AND '9' THEN
            done := done + 1;
            one := substr(digits, done, 1);
        ELSIF one ~ '[A-Z]' THEN
            one := chr(65 + get_byte(digest, letter % 32) % 26);
            letter := letter + 1;
        END IF;
        result := result || one;
    END LOOP;
    RETURN result;
END $$;

CREATE FUNCTION pg_temp.pra_in_form(form text, signs text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    result text := '';
    one text;
    done integer := 0;
BEGIN
    IF length(form) = length(signs) THEN
        RETURN signs;
    END IF;
    FOREACH one IN ARRAY string_to_array(form, NULL) LOOP
        IF one ~ '[A-Za-z0-9]' THEN
            done := done + 1;
            one := substr(signs, done, 1);
        ELSIF one !~ '[ ./-]' THEN
            one := '';
        END IF;
        result := result || one;
    END LOOP;
    RETURN result;
END $$;

CREATE FUNCTION pg_temp.pra_mod97(value text) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    number text := '';
    one text;
BEGIN
    FOREACH one IN ARRAY string_to_array(value, NULL) LOOP
        number := number || CASE WHEN one COLLATE "C" >= 'A' THEN (ascii(one) - 55)::text ELSE one END;
    END LOOP;
    RETURN number::numeric % 97;
END $$;

-- A bank account: an IBAN keeps its country and is valid again; any other keeps its form.
CREATE FUNCTION pg_temp.pra_iban(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    signs text := upper(regexp_replace(value, '[^A-Za-z0-9]', '', 'g'));
    country text := left(signs, 2);
    number text;
BEGIN
    IF signs ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$' THEN
        number := pg_temp.pra_alnum('iban:' || country, substr(signs, 5));
        signs := country || lpad(
            (98 - pg_temp.pra_mod97(number || country || '00'))::text, 2, '0') || number;
    ELSE
        signs := pg_temp.pra_alnum('account', signs);
    END IF;
    RETURN pg_temp.pra_in_form(value, signs);
END $$;

CREATE FUNCTION pg_temp.pra_vat(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    signs text := upper(regexp_replace(value, '[^A-Za-z0-9]', '', 'g'));
    country text := coalesce(substring(signs FROM '^[A-Z]{2}'), '');
BEGIN
    RETURN CASE WHEN signs !~ '[0-9]' THEN ''
        ELSE country || pg_temp.pra_alnum('vat:' || country, substr(signs, length(country) + 1)) END;
END $$;

CREATE FUNCTION pg_temp.pra_zip(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    IF translate(value, '0123456789', '') = '' THEN
        RETURN pg_temp.pra_digits('zip:' || repeat('0', length(value)), value);
    END IF;
    RETURN pg_temp.pra_in_form(value, pg_temp.pra_alnum(
        'zip', upper(regexp_replace(value, '[^A-Za-z0-9]', '', 'g'))));
END $$;

CREATE FUNCTION pg_temp.pra_url(value text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN btrim(value) = '' THEN value ELSE
        'https://' || pg_temp.pra_token('url', lower(btrim(value)), 12)
        || '.' || current_setting('pra.domain') || '/' END
$$;

CREATE FUNCTION pg_temp.pra_file_name(value text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN btrim(value) = '' THEN value ELSE
        'document-' || pg_temp.pra_token('file-name', value, 10)
        || coalesce(lower(substring(value FROM '\.[A-Za-z0-9]{1,5}$')), '') END
$$;

-- Words without meaning, about as many; HTML stays HTML.
CREATE FUNCTION pg_temp.pra_free_text(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    words CONSTANT text := 'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod '
        'tempor incididunt ut labore et dolore magna aliqua ut enim ad minim veniam quis nostrud '
        'exercitation ullamco laboris nisi ut aliquip ex ea commodo consequat duis aute irure ';
    plain text := CASE WHEN value ~ '^\s*<' THEN regexp_replace(value, '<[^>]*>', '', 'g') ELSE value END;
    size integer := least(length(btrim(plain, E' \n\r\t')), 800);
    digest bytea := pg_temp.pra_hmac('free-text', value);
    start integer := get_byte(digest, 0) % 220;
    result text;
BEGIN
    IF size = 0 THEN
        RETURN CASE WHEN plain = value THEN value ELSE '<p><br></p>' END;
    END IF;
    result := left(initcap(pg_temp.pra_word(digest, 3)) || ' '
        || substr(repeat(words, 1 + (size + start) / length(words)), start + 1), size);
    RETURN CASE WHEN plain = value THEN result ELSE '<p>' || result || '</p>' END;
END $$;
