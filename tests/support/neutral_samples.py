"""What a production of Odoo may hold that a copy must not: tables of modules, and rows, by rule.

Tables of modules that the fixtures' production has not installed are made with the columns of the
real ones (Odoo's own, Enterprise's and OCA's) that matter here. Each rule's act has its rows, in
the order of the profile's acts.
"""

from __future__ import annotations

from typing import Final

TABLES: Final = """
CREATE TABLE mailing_mailing (id serial, subject text, state varchar NOT NULL);
CREATE TABLE queue_job (id serial, uuid varchar NOT NULL, state varchar NOT NULL);
CREATE TABLE delivery_carrier (
    id serial, name varchar NOT NULL, active boolean, delivery_type varchar NOT NULL,
    prod_environment boolean, dhl_site_id varchar, dhl_password varchar, ups_passwd varchar,
    fedex_developer_key varchar, usps_username varchar);
CREATE TABLE carrier_account (
    id serial, name varchar NOT NULL, delivery_type varchar, account varchar NOT NULL,
    password varchar NOT NULL);
ALTER TABLE ir_act_server ADD webhook_url varchar;
CREATE TABLE base_automation (id serial, active boolean, trigger varchar NOT NULL);
CREATE TABLE prestashop_backend (
    id serial, name varchar NOT NULL, location varchar, webservice_key varchar);
CREATE TABLE account_online_link (
    id serial, name varchar, client_id varchar, refresh_token varchar, access_token varchar,
    provider_data varchar);
CREATE TABLE account_online_provider (
    id serial, name varchar, provider_account_identifier varchar);
CREATE TABLE ebics_config (
    id serial, name varchar NOT NULL, ebics_host varchar NOT NULL, ebics_url varchar NOT NULL);
CREATE TABLE ebics_userid (id serial, name varchar NOT NULL, ebics_passphrase varchar);
CREATE TABLE account_edi_proxy_client_user (
    id serial, id_client varchar NOT NULL, private_key bytea NOT NULL, refresh_token varchar);
ALTER TABLE res_company ADD l10n_mx_edi_pac_username varchar, ADD l10n_mx_edi_pac_password varchar;
CREATE TABLE db_backup (
    id serial, folder varchar NOT NULL, method varchar, sftp_host varchar, sftp_user varchar,
    sftp_password varchar, sftp_private_key varchar);
CREATE TABLE pos_payment_method (
    id serial, name varchar NOT NULL, adyen_api_key varchar, adyen_terminal_identifier varchar);
CREATE TABLE pos_mercury_configuration (
    id serial, name varchar NOT NULL, merchant_id varchar NOT NULL, merchant_pwd varchar NOT NULL);
CREATE TABLE pos_config (id serial, name varchar NOT NULL, proxy_ip varchar(45));
CREATE TABLE restaurant_printer (id serial, name varchar NOT NULL, proxy_ip varchar);
CREATE TABLE iot_box (id serial, name varchar, identifier varchar, ip varchar, ip_url varchar);
CREATE TABLE printing_server (
    id serial, name varchar NOT NULL, address varchar NOT NULL, port integer NOT NULL,
    active boolean);
CREATE TABLE auth_oauth_provider (
    id serial, name varchar NOT NULL, client_id varchar, enabled boolean,
    auth_endpoint varchar NOT NULL);
ALTER TABLE res_users ADD oauth_access_token varchar, ADD google_calendar_rtoken varchar,
    ADD microsoft_calendar_token varchar;
CREATE TABLE res_users_settings (id serial, user_id integer, google_calendar_token varchar);
CREATE TABLE res_company_ldap (
    id serial, company integer, ldap_server varchar NOT NULL, ldap_password varchar);
CREATE TABLE auth_saml_provider (id serial, name varchar, active boolean, idp_metadata text);
CREATE TABLE website (
    id serial, name varchar NOT NULL, domain varchar, cdn_activated boolean, cdn_url varchar,
    google_management_client_secret varchar, google_maps_api_key varchar,
    twitter_api_key varchar, twitter_api_secret varchar);
ALTER TABLE res_company ADD pad_server varchar, ADD pad_key varchar;
CREATE TABLE mail_push_device (id serial, partner_id integer, endpoint varchar, keys varchar);
CREATE TABLE adyen_account (
    id serial, proxy_token varchar, account_code varchar, adyen_uuid varchar);
CREATE TABLE auth_totp_device (id serial, name varchar, user_id integer, key varchar);
CREATE TABLE auth_api_key (id serial, name varchar, user_id integer, key varchar);
ALTER TABLE payment_acquirer ADD stripe_secret_key varchar, ADD ogone_password varchar,
    ADD adyen_merchant_account varchar, ADD brq_secretkey varchar;
ALTER TABLE payment_transaction ADD stripe_payment_intent_secret varchar;
"""

ROWS: Final[dict[str, tuple[str, ...]]] = {
    "outgoing-mail": (
        """INSERT INTO ir_mail_server (name, smtp_host, smtp_port, smtp_encryption, smtp_pass)
        VALUES ('relay', 'smtp.example.com', 25, 'none', 'p4ss')""",
    ),
    "mail-queue": (
        """INSERT INTO mail_mail (mail_message_id, state)
        SELECT min(id), 'outgoing' FROM mail_message""",
        "INSERT INTO sms_sms (number, state) VALUES ('+33123456789', 'outgoing')",
        """INSERT INTO snailmail_letter (message_id, model, res_id, partner_id, company_id, state)
        SELECT min(id), 'account.move', 1, 3, 1, 'pending' FROM mail_message""",
        "INSERT INTO mailing_mailing (subject, state) VALUES ('News', 'in_queue')",
        "UPDATE digest_digest SET state = 'activated'",
    ),
    "incoming-mail": (
        """INSERT INTO fetchmail_server (name, server_type, server, "user", password, active, state)
        VALUES ('box', 'imap', 'imap.example.com', 'erp', 'p4ss', true, 'done')""",
    ),
    "scheduled-jobs": (
        "UPDATE ir_cron SET active = true",
        "INSERT INTO queue_job (uuid, state) VALUES ('1', 'pending')",
    ),
    "payment-providers": (
        """UPDATE payment_acquirer SET state = 'enabled', stripe_secret_key = 'sk_live_1',
        ogone_password = 'p4ss', adyen_merchant_account = 'us', brq_secretkey = 'k'""",
        """INSERT INTO payment_token (name, partner_id, acquirer_id, acquirer_ref, active)
        SELECT 'card', (SELECT min(id) FROM res_partner), min(id), 'cus_1', true
        FROM payment_acquirer""",
        """INSERT INTO payment_transaction (
            acquirer_id, type, state, amount, currency_id, reference, partner_country_id,
            stripe_payment_intent_secret)
        SELECT min(id), 'form', 'draft', 1, 1, 'T1', 75, 'pi_secret' FROM payment_acquirer""",
    ),
    "carriers": (
        """INSERT INTO delivery_carrier (name, active, delivery_type, prod_environment, ups_passwd)
        VALUES ('UPS', true, 'ups', true, 'p4ss'), ('Van', true, 'fixed', false, NULL)""",
        "INSERT INTO carrier_account (name, account, password) VALUES ('DHL', '123', 'p4ss')",
    ),
    "web-hooks": (
        "UPDATE ir_act_server SET webhook_url = 'https://hooks.example.com/1'",
        "INSERT INTO base_automation (active, trigger) VALUES (true, 'on_time')",
        """INSERT INTO prestashop_backend (name, location, webservice_key)
        VALUES ('shop', 'https://shop.example.com', 'k')""",
    ),
    "bank-and-edi": (
        "INSERT INTO account_online_link (name, client_id, refresh_token) VALUES ('b', 'c', 't')",
        "INSERT INTO account_online_provider (provider_account_identifier) VALUES ('p')",
        """INSERT INTO ebics_config (name, ebics_host, ebics_url)
        VALUES ('bank', 'HOST', 'https://ebics.example.com')""",
        "INSERT INTO ebics_userid (name, ebics_passphrase) VALUES ('us', 'p4ss')",
        """INSERT INTO account_edi_proxy_client_user (id_client, private_key, refresh_token)
        VALUES ('c', 'key', 't')""",
        """INSERT INTO account_edi_document (move_id, edi_format_id, state)
        SELECT (SELECT min(id) FROM account_move), min(id), 'to_send' FROM account_edi_format""",
        "UPDATE res_company SET l10n_mx_edi_pac_password = 'p4ss'",
        """INSERT INTO db_backup (folder, sftp_host, sftp_user, sftp_password)
        VALUES ('/b', 'backup.example.com', 'erp', 'p4ss')""",
    ),
    "devices": (
        """INSERT INTO pos_payment_method (name, adyen_api_key, adyen_terminal_identifier)
        VALUES ('card', 'k', 'P400')""",
        """INSERT INTO pos_mercury_configuration (name, merchant_id, merchant_pwd)
        VALUES ('m', '1', 'p4ss')""",
        "INSERT INTO pos_config (name, proxy_ip) VALUES ('till', '192.0.2.7')",
        "INSERT INTO restaurant_printer (name, proxy_ip) VALUES ('kitchen', '192.0.2.8')",
        "INSERT INTO iot_box (name, ip) VALUES ('box', '192.0.2.9')",
        """INSERT INTO printing_server (name, address, port, active)
        VALUES ('cups', 'cups.example.com', 631, true)""",
    ),
    "oauth": (
        """INSERT INTO auth_oauth_provider (name, client_id, enabled, auth_endpoint)
        VALUES ('Google', 'c', true, 'https://accounts.example.com')""",
        """UPDATE res_users SET oauth_access_token = 't', google_calendar_rtoken = 't',
        microsoft_calendar_token = 't' WHERE login = 'admin'""",
        "INSERT INTO res_users_settings (google_calendar_token) VALUES ('t')",
        """INSERT INTO res_company_ldap (ldap_server, ldap_password)
        VALUES ('ldap.example.com', 'p4ss')""",
        "INSERT INTO auth_saml_provider (name, active) VALUES ('IdP', true)",
        "INSERT INTO website (name, google_maps_api_key) VALUES ('shop', 'k')",
        "UPDATE res_company SET pad_server = 'pad.example.com', pad_key = 'k'",
    ),
    "keys": (
        """INSERT INTO ir_config_parameter (key, value) VALUES ('ocn.token', 't'),
        ('google_calendar_client_secret', 's'), ('mail.web_push_vapid_private_key', 'k')""",
        "INSERT INTO mail_push_device (endpoint) VALUES ('https://push.example.com')",
    ),
    "paid-services": (
        "INSERT INTO iap_account (service_name, account_token) VALUES ('sms', 'token')",
        "",
        "INSERT INTO adyen_account (proxy_token, account_code) VALUES ('t', 'a')",
    ),
    "base-url": (
        """INSERT INTO ir_config_parameter (key, value)
        VALUES ('report.url', 'https://erp.example.com')""",
        """INSERT INTO website (name, domain, cdn_activated, cdn_url)
        VALUES ('shop', 'shop.example.com', true, 'https://cdn.example.com')""",
    ),
    "identity": (
        "INSERT INTO ir_config_parameter (key, value) VALUES ('database.enterprise_code', 'M1')",
    ),
    "passwords": (
        "",
        "UPDATE res_partner SET signup_token = 't' WHERE id = 3",
        "INSERT INTO res_users_identitycheck (password) VALUES ('p4ss')",
    ),
    "user-keys": (
        """INSERT INTO res_users_apikeys (name, user_id, index, key)
        VALUES ('script', 2, '12345678', 'hash')""",
        "UPDATE res_users SET totp_secret = 'JBSWY3DPEHPK3PXP' WHERE login = 'admin'",
        "INSERT INTO auth_totp_device (name, user_id, key) VALUES ('laptop', 2, 'hash')",
        "INSERT INTO auth_api_key (name, user_id, key) VALUES ('rest', 2, 'k')",
    ),
    "banner": ("",),
}
"""Empty where the production itself holds what the act changes."""
