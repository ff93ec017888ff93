"""What a production of Odoo 19 may hold that a copy must not, as in ``neutral_samples``."""

from __future__ import annotations

import re
from typing import Final

from tests.support import neutral_samples
from tests.support.neutral_lab import Rows

_SAME: Final = re.sub(
    r"\bADD (?=\w)",
    "ADD IF NOT EXISTS ",
    "\n".join(
        f"{one};"
        for one in neutral_samples.TABLES.replace("TABLE ", "TABLE IF NOT EXISTS ")
        .replace("ALTER TABLE IF NOT EXISTS", "ALTER TABLE")
        .split(";")
        if one.strip() and "payment_" not in one
    ),
)
"""The tables of 14's modules that 19's have too, unless they are there."""

TABLES: Final = (
    _SAME
    + """
CREATE TABLE payment_provider (
    id serial, name jsonb, code varchar NOT NULL, state varchar NOT NULL, is_published boolean,
    stripe_secret_key varchar, stripe_publishable_key varchar, paypal_client_secret varchar,
    adyen_api_key varchar, adyen_merchant_account varchar, ogone_password varchar);
CREATE TABLE payment_token (
    id serial, provider_id integer, payment_details varchar, provider_ref varchar, active boolean);
CREATE TABLE payment_transaction (
    id serial, reference varchar, state varchar, stripe_payment_intent_secret varchar);
CREATE TABLE pos_payment_method (
    id serial, name varchar NOT NULL, adyen_api_key varchar, adyen_terminal_identifier varchar);
CREATE TABLE digest_digest (id serial, name jsonb, state varchar);
CREATE TABLE account_edi_document (id serial, move_id integer, state varchar);
ALTER TABLE res_users_settings ADD google_calendar_token varchar;
ALTER TABLE res_company ADD sms_twilio_account_sid varchar, ADD sms_twilio_auth_token varchar;
"""
)

ROWS: Final[Rows] = {
    **neutral_samples.ROWS,
    "outgoing-mail": (
        """INSERT INTO ir_mail_server (name, smtp_host, smtp_port, smtp_encryption,
            smtp_authentication, smtp_pass, google_gmail_refresh_token)
        VALUES ('relay', 'smtp.example.com', 25, 'none', 'login', 'p4ss', '1//t')""",
    ),
    "mail-queue": (
        *neutral_samples.ROWS["mail-queue"][:2],
        """INSERT INTO snailmail_letter (message_id, model, res_id, partner_id, company_id, state)
        SELECT min(id), 'res.partner', 1, 3, 1, 'pending' FROM mail_message""",
        neutral_samples.ROWS["mail-queue"][3],
        "INSERT INTO digest_digest (state) VALUES ('activated')",
    ),
    "incoming-mail": (
        """INSERT INTO fetchmail_server (name, server_type, server, "user", password, active, state,
            microsoft_outlook_refresh_token)
        VALUES ('box', 'imap', 'imap.example.com', 'erp', 'p4ss', true, 'done', 't')""",
    ),
    "payment-providers": (
        """INSERT INTO payment_provider (code, state, stripe_secret_key, paypal_client_secret)
        VALUES ('stripe', 'enabled', 'sk_live_1', 's')""",
        "INSERT INTO payment_token (provider_ref, active) VALUES ('cus_1', true)",
        "INSERT INTO payment_transaction (stripe_payment_intent_secret) VALUES ('pi_secret')",
    ),
    "web-hooks": (
        """UPDATE ir_act_server SET webhook_url = 'https://hooks.example.com/1'
        WHERE id = (SELECT min(id) FROM ir_act_server)""",
        *neutral_samples.ROWS["web-hooks"][1:],
    ),
    "bank-and-edi": tuple(
        "INSERT INTO account_edi_document (state) VALUES ('to_send')"
        if "account_edi_document" in one
        else one
        for one in neutral_samples.ROWS["bank-and-edi"]
    ),
    "keys": (
        """INSERT INTO ir_config_parameter (key, value) VALUES ('mail.twilio_account_token', 't'),
        ('mail.twilio_account_sid', 'a'), ('cloud_storage_google_account_info', '{}'),
        ('google_gmail_client_secret', 's')""",
        """INSERT INTO mail_push_device (partner_id, endpoint, keys)
        VALUES (3, 'https://push.example.com', '{}')""",
        """INSERT INTO mail_ice_server (server_type, uri, credential)
        VALUES ('turn', 'turn.example.com', 'p4ss')""",
        """INSERT INTO iap_account (service_id) SELECT min(id) FROM iap_service;
        INSERT INTO sms_account_code (account_id, verification_code)
        SELECT max(id), '1234' FROM iap_account""",
        "UPDATE res_company SET sms_twilio_account_sid = 'AC1', sms_twilio_auth_token = 't'",
    ),
    "paid-services": (
        """INSERT INTO iap_account (service_id, account_token)
        SELECT min(id), 'token' FROM iap_service""",
        *neutral_samples.ROWS["paid-services"][1:],
    ),
    "oauth": tuple(
        "INSERT INTO res_users_settings (user_id, google_calendar_token) VALUES (3, 't')"
        if "res_users_settings" in one
        else one
        for one in neutral_samples.ROWS["oauth"]
    ),
    "passwords": (
        "",
        """INSERT INTO change_password_wizard DEFAULT VALUES;
        INSERT INTO change_password_user (wizard_id, user_id, new_passwd)
        SELECT max(id), 2, 'p4ss' FROM change_password_wizard""",
    ),
    "user-keys": (
        neutral_samples.ROWS["user-keys"][0],
        """INSERT INTO auth_passkey_key (name, credential_identifier, public_key, create_uid)
        VALUES ('laptop', 'c', 'k', 2)""",
        *neutral_samples.ROWS["user-keys"][1:],
    ),
}
