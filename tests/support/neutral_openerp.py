"""Tables of OpenERP, laid out as 7.0 and as 6.0 and 6.1 have them, with what no copy may hold.

No OpenERP runs here. Of each table there are the columns that rules touch, with their types, limits
and constraints, and those beside them. Written from the models' documentation; as in
``neutral_samples``, each act of a rule has its rows.
"""

from __future__ import annotations

from typing import Final

from tests.support.neutral_lab import Rows

_BOTH: Final = """
CREATE TABLE ir_module_module (
    id serial PRIMARY KEY, name varchar(128) NOT NULL, state varchar(16),
    latest_version varchar(64), author varchar(128), website varchar(256), url varchar(128));
CREATE TABLE ir_cron (
    id serial PRIMARY KEY, name varchar(60) NOT NULL, user_id integer NOT NULL, active boolean,
    interval_number integer, interval_type varchar, numbercall integer, doall boolean,
    nextcall timestamp NOT NULL, model varchar(64), function varchar(64), args text,
    priority integer);
CREATE TABLE base_action_rule (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, active boolean, model_id integer NOT NULL,
    sequence integer);
CREATE TABLE base_synchro_server (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, server_url varchar(64) NOT NULL,
    server_port integer NOT NULL, server_db varchar(64) NOT NULL, login varchar(50) NOT NULL,
    password varchar(64) NOT NULL);
CREATE TABLE ir_config_parameter (
    id serial PRIMARY KEY, key varchar(256) NOT NULL UNIQUE, value text NOT NULL);
CREATE TABLE ir_ui_menu (
    id serial PRIMARY KEY, parent_id integer REFERENCES ir_ui_menu, name varchar(64) NOT NULL,
    sequence integer, icon varchar(64), web_icon varchar(128));
CREATE TABLE ir_translation (
    id serial PRIMARY KEY, lang varchar(16), src text, name varchar NOT NULL, type varchar(16),
    res_id integer, value text);
CREATE TABLE ir_act_url (
    id serial PRIMARY KEY, name varchar(64), url text NOT NULL, target varchar(64) NOT NULL);
CREATE TABLE ir_values (
    id serial PRIMARY KEY, name varchar(128), model varchar(128), value text, key varchar(128),
    key2 varchar(256), res_id integer);
CREATE TABLE res_company_ldap (
    id serial PRIMARY KEY, sequence integer, company integer NOT NULL,
    ldap_server varchar(64) NOT NULL, ldap_server_port integer NOT NULL, ldap_binddn varchar(64),
    ldap_password varchar(64), ldap_filter varchar(256) NOT NULL, ldap_base varchar(64) NOT NULL);
CREATE TABLE ir_attachment (
    id serial PRIMARY KEY, name varchar(256) NOT NULL, datas_fname varchar(256), description text,
    res_name varchar(128), res_model varchar(64), res_id integer, type varchar NOT NULL,
    url varchar(1024), db_datas bytea, store_fname varchar(256), index_content text,
    file_type varchar(128), file_size integer, partner_id integer, user_id integer);
"""

_COMPANY_7: Final = """
CREATE TABLE res_partner (
    id serial PRIMARY KEY, name varchar(128) NOT NULL, display_name varchar, parent_id integer,
    is_company boolean, active boolean, email varchar(240), phone varchar(64), mobile varchar(64),
    fax varchar(64), street varchar(128), street2 varchar(128), zip varchar(24),
    city varchar(128), function varchar(128), vat varchar(32), ref varchar(64),
    website varchar(64), comment text, birthdate varchar(64), ean13 varchar(13), lang varchar(64),
    type varchar, image bytea, image_medium bytea, image_small bytea, signup_token varchar,
    signup_type varchar, signup_expiration timestamp);
CREATE TABLE res_company (
    id serial PRIMARY KEY, name varchar(128) NOT NULL UNIQUE, partner_id integer NOT NULL,
    rml_header text NOT NULL, rml_header1 varchar(200), rml_footer text,
    company_registry varchar(64), account_no varchar(64), logo_web bytea, overdue_msg text,
    pad_server varchar(64), pad_key varchar(64));
CREATE TABLE res_users (
    id serial PRIMARY KEY, active boolean, login varchar(64) NOT NULL UNIQUE, password varchar(64),
    company_id integer NOT NULL, partner_id integer NOT NULL, login_date date, signature text,
    share boolean, password_crypt varchar, oauth_provider_id integer, oauth_uid varchar(256),
    oauth_access_token varchar(256), openid_url varchar(1024), openid_email varchar(256),
    openid_key varchar(128), gmail_user varchar(64), gmail_password varchar(64));
CREATE TABLE res_partner_bank (
    id serial PRIMARY KEY, acc_number varchar(64) NOT NULL, bank integer, bank_bic varchar(16),
    bank_name varchar(32), owner_name varchar(128), street varchar(128), zip varchar(24),
    city varchar(128), partner_id integer, state varchar NOT NULL, name varchar(64));
"""

_MAIL_7: Final = """
CREATE TABLE ir_mail_server (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, smtp_host varchar(128) NOT NULL,
    smtp_port integer NOT NULL, smtp_user varchar(64), smtp_pass varchar(64),
    smtp_encryption varchar NOT NULL, smtp_debug boolean, sequence integer, active boolean);
CREATE TABLE mail_message (
    id serial PRIMARY KEY, type varchar, subject varchar, body text, email_from varchar,
    author_id integer, model varchar(128), res_id integer, record_name varchar,
    message_id varchar, date timestamp);
CREATE TABLE mail_mail (
    id serial PRIMARY KEY, mail_message_id integer NOT NULL, state varchar, auto_delete boolean,
    "references" text, email_from varchar, email_to text, email_cc varchar, reply_to varchar,
    body_html text, notification boolean);
CREATE TABLE fetchmail_server (
    id serial PRIMARY KEY, name varchar(256) NOT NULL, active boolean, state varchar,
    server varchar(256), port integer, type varchar NOT NULL, is_ssl boolean, "user" varchar(256),
    password varchar(1024), configuration text, script varchar(64));
CREATE TABLE payment_acquirer (
    id serial PRIMARY KEY, name varchar NOT NULL, form_template text, visible boolean);
CREATE TABLE auth_oauth_provider (
    id serial PRIMARY KEY, name varchar NOT NULL, client_id varchar, auth_endpoint varchar NOT NULL,
    scope varchar, validation_endpoint varchar NOT NULL, data_endpoint varchar, enabled boolean,
    css_class varchar, body varchar NOT NULL, sequence integer);
CREATE TABLE magento_backend (
    id serial PRIMARY KEY, name varchar NOT NULL, version varchar NOT NULL,
    location varchar NOT NULL, username varchar, password varchar, default_lang_id integer);
"""

_OTHERS_7: Final = """
CREATE TABLE crm_lead (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, partner_name varchar(64),
    contact_name varchar(64), email_from varchar(128), email_cc text, phone varchar(64),
    mobile varchar(64), fax varchar(64), street varchar(128), street2 varchar(128),
    zip varchar(24), city varchar(128), function varchar(128), description text);
CREATE TABLE hr_employee (
    id serial PRIMARY KEY, resource_id integer NOT NULL, name_related varchar,
    work_email varchar(240), work_phone varchar(32), mobile_phone varchar(32), birthday date,
    ssnid varchar(32), sinid varchar(32), identification_id varchar(32), passport_id varchar(64),
    otherid varchar(64), notes text, image bytea);
CREATE TABLE resource_resource (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, code varchar(16), resource_type varchar(16));
CREATE TABLE account_invoice (
    id serial PRIMARY KEY, number varchar, partner_id integer, comment text,
    amount_total numeric);
CREATE TABLE account_move_line (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, partner_id integer, debit numeric,
    credit numeric, statement_id integer);
CREATE TABLE account_bank_statement_line (
    id serial PRIMARY KEY, name varchar NOT NULL, ref varchar(32), note text, partner_id integer,
    amount numeric);
"""

_OLDER: Final = """
CREATE TABLE res_partner (
    id serial PRIMARY KEY, name varchar(128) NOT NULL, ref varchar(64), active boolean,
    website varchar(64), vat varchar(32), comment text, ean13 varchar(13), lang varchar(64));
CREATE TABLE res_partner_address (
    id serial PRIMARY KEY, partner_id integer REFERENCES res_partner, type varchar,
    name varchar(64), function varchar(64), email varchar(240), phone varchar(64),
    mobile varchar(64), fax varchar(64), street varchar(128), street2 varchar(128),
    zip varchar(24), city varchar(128), birthdate varchar(64), active boolean);
CREATE TABLE res_company (
    id serial PRIMARY KEY, name varchar(128) NOT NULL, partner_id integer NOT NULL,
    rml_header text NOT NULL, rml_header1 varchar(200), rml_footer1 varchar(200),
    rml_footer2 varchar(200), pad_url_template varchar(128));
CREATE TABLE res_users (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, active boolean,
    login varchar(64) NOT NULL UNIQUE, password varchar(64), user_email varchar(64),
    signature text, company_id integer NOT NULL, address_id integer, gmail_user varchar(64),
    gmail_password varchar(64));
CREATE TABLE res_partner_bank (
    id serial PRIMARY KEY, acc_number varchar(64), iban varchar(34), bank integer,
    owner_name varchar(128), street varchar(128), zip varchar(24), city varchar(128),
    partner_id integer NOT NULL, state varchar NOT NULL, name varchar(64));
CREATE TABLE mail_message (
    id serial PRIMARY KEY, subject varchar(512), date timestamp, email_from varchar(128),
    email_to varchar(256), email_cc varchar(256), email_bcc varchar(256), reply_to varchar(256),
    "references" text, message_id varchar(256), body_text text, body_html text, headers text,
    original bytea, state varchar, model varchar(128), res_id integer, auto_delete boolean);
CREATE TABLE mailgate_message (
    id serial PRIMARY KEY, name text, description text, email_from varchar(128),
    email_to varchar(256), email_cc varchar(256), email_bcc varchar(256),
    message_id varchar(1024), "references" text, model varchar(128), res_id integer);
CREATE TABLE email_smtpclient (
    id serial PRIMARY KEY, name varchar(256) NOT NULL, state varchar, email varchar(256) NOT NULL,
    server varchar(256) NOT NULL, port varchar(256) NOT NULL, "user" varchar(256),
    password varchar(256), ssl boolean);
CREATE TABLE email_smtpclient_queue (
    id serial PRIMARY KEY, "to" varchar(1024), name varchar(512), body text, state varchar,
    server_id integer);
CREATE TABLE poweremail_core_accounts (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, email_id varchar(120) NOT NULL,
    smtpserver varchar(120) NOT NULL, smtpport integer NOT NULL, smtpuname varchar(120),
    smtppass varchar(120), smtptls boolean, iserver varchar(100), isport integer,
    isuser varchar(100), ispass varchar(100), iserver_type varchar, state varchar NOT NULL);
CREATE TABLE poweremail_mailbox (
    id serial PRIMARY KEY, pem_account_id integer, pem_from varchar(64), pem_to varchar(250),
    pem_subject varchar(200), pem_body_text text, folder varchar NOT NULL, state varchar);
CREATE TABLE sms_smsclient (
    id serial PRIMARY KEY, name varchar(256) NOT NULL, url varchar(256) NOT NULL, state varchar);
CREATE TABLE sms_smsclient_parms (
    id serial PRIMARY KEY, gateway_id integer, name varchar(256), value varchar(256),
    type varchar);
CREATE TABLE email_server (
    id serial PRIMARY KEY, name varchar(256) NOT NULL, active boolean, state varchar,
    server varchar(256) NOT NULL, port integer NOT NULL, type varchar, is_ssl boolean,
    "user" varchar(256) NOT NULL, password varchar(1024) NOT NULL);
CREATE TABLE external_referential (
    id serial PRIMARY KEY, name varchar(32) NOT NULL, type_id integer, location varchar(200),
    apiusername varchar(64), apipass varchar(64));
CREATE TABLE publisher_warranty_contract (
    id serial PRIMARY KEY, name varchar(384) NOT NULL, date_start date, date_stop date,
    state varchar, kind varchar(64));
CREATE TABLE maintenance_contract (
    id serial PRIMARY KEY, name varchar(64) NOT NULL, password varchar(64) NOT NULL,
    date_start date, date_stop date);
"""

SEVEN: Final = _BOTH + _COMPANY_7 + _MAIL_7 + _OTHERS_7
SIX: Final = _BOTH + _OLDER

_DATA: Final = """
INSERT INTO ir_module_module (name, state, author) VALUES ('base', 'installed', 'OpenERP SA');
INSERT INTO ir_ui_menu (name) VALUES ('Sales'), ('Settings');
INSERT INTO ir_ui_menu (name, parent_id) VALUES ('Customers', 1);
INSERT INTO ir_translation (lang, src, name, type, res_id, value)
VALUES ('fr_FR', 'Sales', 'ir.ui.menu,name', 'model', 1, 'Ventes'),
    ('fr_FR', 'Customers', 'ir.ui.menu,name', 'model', 3, 'Clients');
INSERT INTO ir_cron (name, user_id, active, nextcall, model)
VALUES ('Send mail', 1, true, now(), 'mail.mail'), ('Old', 1, false, now(), 'x');
INSERT INTO ir_config_parameter (key, value) VALUES ('web.base.url', 'https://erp.example.com'),
    ('database.uuid', 'd8a1'), ('database.secret', 's'), ('auth_signup.reset_password', 'True');
INSERT INTO ir_act_url (name, url, target) VALUES ('x', 'https://www.example.com', 'new');
INSERT INTO ir_values (name, key, value) VALUES ('x', 'action', 'ir.actions.report.xml,1');
INSERT INTO ir_attachment (name, type, url) VALUES ('x', 'url', 'https://www.example.com');
"""

DATA_7: Final = (
    _DATA
    + """
INSERT INTO res_partner (name, website) VALUES ('Specibike', 'https://specibike.example');
INSERT INTO res_company (name, partner_id, rml_header) VALUES ('Specibike', 1, '<header/>');
INSERT INTO res_users (login, active, password, company_id, partner_id)
VALUES ('admin', true, 'production''s', 1, 1), ('zoe', true, 'z', 1, 1);
"""
)
DATA_6: Final = (
    _DATA
    + """
INSERT INTO res_partner (name, website) VALUES ('Specibike', 'https://specibike.example');
INSERT INTO res_company (name, partner_id, rml_header) VALUES ('Specibike', 1, '<header/>');
INSERT INTO res_users (name, login, active, password, company_id)
VALUES ('Administrator', 'admin', true, 'production''s', 1), ('Zoe', 'zoe', true, 'z', 1);
"""
)

_SYNCHRO: Final = """INSERT INTO base_synchro_server (name, server_url, server_port, server_db,
    login, password) VALUES ('other', 'other.example.com', 8069, 'db', 'admin', 'p4ss')"""
_LDAP: Final = """INSERT INTO res_company_ldap (company, ldap_server, ldap_server_port, ldap_filter,
    ldap_base, ldap_password) VALUES (1, 'ldap.example.com', 389, 'uid=%s', 'dc=x', 'p4ss')"""
_RULE: Final = "INSERT INTO base_action_rule (name, active, model_id) VALUES ('call', true, 1)"
_KEYS: Final = """INSERT INTO ir_config_parameter (key, value)
    VALUES ('web.linkedin.apikey', 'k'), ('auth.token', 't')"""

ROWS_7: Final[Rows] = {
    "outgoing-mail": (
        """INSERT INTO ir_mail_server (name, smtp_host, smtp_port, smtp_encryption, smtp_user,
            smtp_pass, active)
        VALUES ('relay', 'smtp.example.com', 25, 'none', 'erp', 'p4ss', true),
            ('old', 'old.example.com', 25, 'none', 'erp', 'p4ss', false)""",
    ),
    "mail-queue": (
        """INSERT INTO mail_message (subject, email_from) VALUES ('x', 'a@example.com');
        INSERT INTO mail_mail (mail_message_id, state) VALUES (1, 'outgoing'), (1, 'sent')""",
    ),
    "incoming-mail": (
        """INSERT INTO fetchmail_server (name, active, state, server, type, "user", password)
        VALUES ('box', true, 'done', 'imap.example.com', 'imap', 'erp', 'p4ss')""",
    ),
    "scheduled-jobs": ("", _RULE),
    "web-hooks": (
        _SYNCHRO,
        """INSERT INTO magento_backend (name, version, location, username, password)
        VALUES ('shop', '1.7', 'http://shop.example.com', 'api', 'p4ss')""",
    ),
    "payment-providers": ("INSERT INTO payment_acquirer (name, visible) VALUES ('Paypal', true)",),
    "oauth": (
        """INSERT INTO auth_oauth_provider (name, client_id, enabled, auth_endpoint,
            validation_endpoint, body)
        VALUES ('Google', 'c', true, 'https://a.example.com', 'https://v.example.com', 'x')""",
        """UPDATE res_users SET oauth_access_token = 't', openid_key = 'k', gmail_user = 'u',
        gmail_password = 'p4ss', openid_url = 'https://id.example.com'""",
        _LDAP,
        "UPDATE res_company SET pad_server = 'pad.example.com', pad_key = 'k'",
    ),
    "keys": (_KEYS,),
    "base-url": ("",),
    "identity": ("",),
    "passwords": (
        "",
        "UPDATE res_users SET password_crypt = '$1$x' WHERE login = 'zoe'",
        "UPDATE res_partner SET signup_token = 't'",
    ),
    "banner": ("",),
}
"""Rows for 7.0, of the acts whose tables it has."""

ROWS_6: Final[Rows] = {
    "outgoing-mail": (
        """INSERT INTO email_smtpclient (name, email, server, port, "user", password)
        VALUES ('relay', 'a@example.com', 'smtp.example.com', '25', 'erp', 'p4ss')""",
        """INSERT INTO poweremail_core_accounts (name, email_id, smtpserver, smtpport, smtpuname,
            smtppass, iserver, isuser, ispass, state)
        VALUES ('a', 'a@example.com', 'smtp.example.com', 25, 'u', 'p4ss', 'imap.example.com', 'u',
            'p4ss', 'approved')""",
    ),
    "mail-queue": (
        """INSERT INTO mail_message (subject, email_to, state)
        VALUES ('x', 'a@example.com', 'outgoing')""",
        "INSERT INTO email_smtpclient_queue (\"to\", state) VALUES ('a@example.com', 'draft')",
        "INSERT INTO poweremail_mailbox (pem_to, folder) VALUES ('a@example.com', 'outbox')",
        """INSERT INTO sms_smsclient (name, url) VALUES ('sms', 'http://sms.example.com');
        INSERT INTO sms_smsclient_parms (gateway_id, name, value) VALUES (1, 'pass', 'p4ss')""",
    ),
    "incoming-mail": (
        """INSERT INTO email_server (name, active, server, port, "user", password)
        VALUES ('box', true, 'imap.example.com', 143, 'erp', 'p4ss')""",
    ),
    "scheduled-jobs": ("", _RULE),
    "web-hooks": (
        _SYNCHRO,
        """INSERT INTO external_referential (name, location, apiusername, apipass)
        VALUES ('shop', 'http://shop.example.com', 'api', 'p4ss')""",
    ),
    "oauth": (
        "UPDATE res_users SET gmail_user = 'u', gmail_password = 'p4ss'",
        _LDAP,
        "UPDATE res_company SET pad_url_template = 'http://pad.example.com/'",
    ),
    "keys": (_KEYS,),
    "base-url": ("",),
    "identity": (
        "",
        "INSERT INTO publisher_warranty_contract (name) VALUES ('C1')",
        "INSERT INTO maintenance_contract (name, password) VALUES ('C1', 'p4ss')",
    ),
    "passwords": ("",),
    "banner": ("",),
}
"""Rows for 6.0 and 6.1, of the acts whose tables they have."""
