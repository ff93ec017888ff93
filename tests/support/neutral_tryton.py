"""What a production of Tryton may hold that a copy must not: tables of modules, and rows, by rule.

Tables of modules that the fixtures' production has not installed have the columns of the real ones
of 7.0 that matter here, as ``trytond-admin`` makes them. As in ``neutral_samples``.
"""

from __future__ import annotations

from typing import Final

from tests.support.neutral_lab import Rows

TABLES: Final = """
CREATE TABLE notification_email (id serial, from_ varchar, subject varchar, recipients integer);
ALTER TABLE ir_trigger ADD notification_email integer;
CREATE TABLE marketing_email (
    id serial, active boolean, email varchar NOT NULL, email_token varchar, list_ integer);
CREATE TABLE marketing_email_message (
    id serial, content text, from_ varchar, list_ integer, state varchar NOT NULL, title varchar);
CREATE TABLE marketing_automation_scenario (
    id serial, domain varchar, model varchar, name varchar, state varchar NOT NULL);
CREATE TABLE inbound_email_inbox (id serial, identifier varchar NOT NULL, name varchar NOT NULL);
CREATE TABLE account_payment (
    id serial, amount numeric, stripe_token varchar, stripe_payment_intent_id varchar,
    stripe_idempotency_key varchar, stripe_charge_id varchar, braintree_client_token varchar,
    braintree_nonce varchar);
CREATE TABLE account_payment_stripe_account (
    id serial, last_event varchar, name varchar NOT NULL, publishable_key varchar NOT NULL,
    secret_key varchar NOT NULL, webhook_identifier varchar, webhook_signing_secret varchar);
CREATE TABLE account_payment_stripe_customer (
    id serial, active boolean, party integer, stripe_account integer, stripe_customer_id varchar,
    stripe_setup_intent_id varchar, stripe_token varchar);
CREATE TABLE account_payment_stripe_customer__history (
    __id serial, id integer, stripe_customer_id varchar, stripe_setup_intent_id varchar,
    stripe_token varchar);
CREATE TABLE account_payment_stripe_refund (
    id serial, state varchar, stripe_idempotency_key varchar, stripe_refund_id varchar);
CREATE TABLE account_payment_braintree_account (
    id serial, currency integer, environment varchar NOT NULL, merchant_id varchar NOT NULL,
    name varchar NOT NULL, private_key varchar NOT NULL, public_key varchar NOT NULL,
    webhook_identifier varchar);
CREATE TABLE account_payment_braintree_customer (
    id serial, braintree_client_token varchar, braintree_customer_id varchar,
    braintree_nonce varchar, party integer);
CREATE TABLE party_party_reception_direct_debit (
    id serial, braintree_customer_method varchar, stripe_customer_payment_method varchar,
    stripe_customer_source varchar);
CREATE TABLE carrier_credential_ups (
    id serial, account_number varchar NOT NULL, client_id varchar NOT NULL,
    client_secret varchar NOT NULL, server varchar NOT NULL, use_metric boolean);
CREATE TABLE carrier_credential_dpd (
    id serial, depot varchar, password varchar NOT NULL, server varchar NOT NULL, token varchar,
    user_id varchar NOT NULL);
CREATE TABLE carrier_credential_mygls (
    id serial, client_number integer, country varchar, password varchar NOT NULL,
    server varchar NOT NULL, username varchar NOT NULL);
CREATE TABLE carrier_credential_sendcloud (
    id serial, public_key varchar NOT NULL, secret_key varchar NOT NULL);
CREATE TABLE web_shop (
    id serial, active boolean, name varchar NOT NULL, type varchar,
    vsf_elasticsearch_index varchar, vsf_elasticsearch_url varchar, shopify_password varchar,
    shopify_url varchar, shopify_version varchar, shopify_webhook_shared_secret varchar);
CREATE TABLE account_credential_chorus (
    id serial, chorus_login varchar, chorus_password varchar, chorus_piste_client_id varchar,
    chorus_piste_client_secret varchar, chorus_service varchar, company integer);
CREATE TABLE account_payment_sepa_message (
    id serial, company integer, message bytea, message_file_id varchar, state varchar,
    type varchar);
CREATE TABLE edocument_peppol_service (
    id serial, company integer, service varchar, peppyrus_api_key varchar,
    peppyrus_server varchar);
CREATE TABLE document_incoming_ocr_service (
    id serial, type varchar, typless_api_key varchar, typless_document_type varchar);
CREATE TABLE web_user (
    id serial, active boolean, email varchar, email_token varchar, email_valid boolean,
    party integer, password_hash varchar, reset_password_token varchar);
CREATE TABLE web_user_session (id serial, key varchar NOT NULL, "user" integer);
CREATE TABLE web_user_authenticate_attempt (
    id serial, device_cookie varchar, ip_address varchar, ip_network varchar, login varchar);
CREATE TABLE web_shortened_url (id serial, method varchar, record varchar, redirect_url varchar);
CREATE TABLE res_user_login_sms_code (id serial, code varchar, user_id integer);
INSERT INTO web_user_authenticate_attempt (ip_address, login) VALUES ('192.0.2.1', 'a');
INSERT INTO web_shortened_url (redirect_url) VALUES ('https://shop.example.com/1');
INSERT INTO marketing_email (email, email_token) VALUES ('a@example.com', 't');
INSERT INTO currency_currency (name, code, symbol, digits, rounding)
VALUES ('Euro', 'EUR', '€', 2, 0.01);
INSERT INTO currency_cron (source, frequency, currency, last_update)
SELECT 'ecb', 'daily', min(id), now()
FROM currency_currency;
"""

ROWS: Final[Rows] = {
    "scheduled-jobs": (
        "",
        """INSERT INTO ir_trigger (active, name, model, action, condition, limit_number,
            notification_email)
        SELECT true, 'on order', min(id), 'notification.email|trigger', 'true', 0, 1
        FROM ir_model""",
        "INSERT INTO ir_queue (name, data, enqueued_at) VALUES ('default', '{}', now())",
    ),
    "mail": (
        "INSERT INTO marketing_email_message (title, state) VALUES ('News', 'sending')",
        "INSERT INTO marketing_automation_scenario (name, state) VALUES ('Welcome', 'running')",
        "INSERT INTO inbound_email_inbox (name, identifier) VALUES ('in', '1f2e3d')",
    ),
    "payment-providers": (
        """INSERT INTO account_payment_stripe_account (name, publishable_key, secret_key,
            webhook_identifier, webhook_signing_secret)
        VALUES ('Stripe', 'pk_live_1', 'sk_live_1', '1f2e', 'whsec_1')""",
        """INSERT INTO account_payment_stripe_customer (stripe_customer_id) VALUES ('cus_1');
        INSERT INTO account_payment_stripe_customer__history (stripe_token) VALUES ('tok_1')""",
        """INSERT INTO account_payment_braintree_account (environment, merchant_id, name,
            private_key, public_key) VALUES ('production', 'm', 'Braintree', 'k', 'p')""",
        "INSERT INTO account_payment_braintree_customer (braintree_customer_id) VALUES ('1')",
        "INSERT INTO account_payment (stripe_payment_intent_id) VALUES ('pi_1')",
        "INSERT INTO account_payment_stripe_refund (stripe_idempotency_key) VALUES ('k')",
        """INSERT INTO party_party_reception_direct_debit (stripe_customer_payment_method)
        VALUES ('pm_1')""",
    ),
    "carriers": (
        """INSERT INTO carrier_credential_ups (account_number, client_id, client_secret, server)
        VALUES ('1', 'c', 's', 'production');
        INSERT INTO carrier_credential_dpd (password, server, token, user_id)
        VALUES ('p4ss', 'production', 't', 'us');
        INSERT INTO carrier_credential_mygls (password, server, username)
        VALUES ('p4ss', 'production', 'us');
        INSERT INTO carrier_credential_sendcloud (public_key, secret_key) VALUES ('p', 's')""",
    ),
    "web-shops": (
        """INSERT INTO web_shop (name, vsf_elasticsearch_url, shopify_url, shopify_password,
            shopify_webhook_shared_secret)
        VALUES ('shop', 'http://es.example.com', 'https://us.example.com', 'p4ss', 's')""",
    ),
    "bank-and-edi": (
        """INSERT INTO account_credential_chorus (chorus_login, chorus_password,
            chorus_piste_client_id, chorus_piste_client_secret, chorus_service)
        VALUES ('us', 'p4ss', 'c', 's', 'service')""",
        "INSERT INTO account_payment_sepa_message (type, state) VALUES ('out', 'waiting')",
        "INSERT INTO edocument_peppol_service (service, peppyrus_api_key) VALUES ('p', 'k')",
        "INSERT INTO document_incoming_ocr_service (type, typless_api_key) VALUES ('t', 'k')",
    ),
    "base-url": ("UPDATE ir_configuration SET hostname = 'erp.example.com'",),
    "passwords": (
        """INSERT INTO res_user (name, login, active, password_hash, menu)
        SELECT 'Zoe', 'zoe', true, 'h', min(menu) FROM res_user""",
        "INSERT INTO web_user (email, password_hash, email_token) VALUES ('a@b.fr', 'h', 't')",
    ),
    "user-keys": (
        "INSERT INTO ir_session (key, create_uid) VALUES ('k', 0)",
        """INSERT INTO res_user_application (application, key, state, "user")
        SELECT 'chronos', 'k', 'validated', min(id) FROM res_user""",
        "INSERT INTO res_user_device (login, cookie) VALUES ('zoe', 'c')",
        "INSERT INTO res_user_login_sms_code (user_id, code) VALUES (1, '123456')",
        """INSERT INTO web_user_session (key, "user") VALUES ('k', 1)""",
    ),
    "banner": ("",),
}
"""Empty where the production itself holds what the act changes."""
