"""Persons and companies to anonymise, in databases of ERPs other than Odoo 14."""

from __future__ import annotations

from typing import Final

TRYTON: Final = """
CREATE TABLE bank_account_number (id serial, account integer, type varchar, number varchar,
    number_compact varchar);
INSERT INTO bank_account_number (type, number, number_compact)
VALUES ('iban', 'FR76 3000 6000 0112 3456 7890 189', 'FR7630006000011234567890189');
INSERT INTO party_contact_mechanism (party, type, value, value_compact, active)
SELECT id, 'email', 'client' || id % 5 || '@specibike.example',
    'client' || id % 5 || '@specibike.example', true FROM party_party;
INSERT INTO party_contact_mechanism (party, type, value, value_compact, active)
SELECT id, 'phone', '+33 1 40 20 50 0' || id % 5, '+3314020500' || id % 5, true FROM party_party;
INSERT INTO party_address (party, street, postal_code, city, party_name, active)
SELECT id, id || ' rue des Vélos', '7500' || id % 9, 'Paris', name, true FROM party_party;
INSERT INTO party_identifier (party, type, code)
SELECT min(id), 'eu_vat', 'FR40303265045' FROM party_party;
INSERT INTO ir_email (recipients, subject, body, resource)
SELECT 'Client <client1@specibike.example>', 'Devis', '<p>Bonjour</p>', 'party.party,' || min(id)
FROM party_party;
UPDATE res_user SET email = 'client1@specibike.example';
INSERT INTO ir_note (message, resource) SELECT 'Écrire à client2@specibike.example',
    'party.party,' || min(id) FROM party_party;
"""

OPENERP_7: Final = """
INSERT INTO res_partner (name, display_name, is_company, email, phone, street, zip, city, vat,
    comment, birthdate)
SELECT 'Client ' || n, 'Client ' || n, true, 'client' || n % 5 || '@specibike.example',
    '+33 1 40 20 50 0' || n % 5, n || ' rue des Vélos', '75001', 'Paris', 'FR40303265045',
    'rappeler', '1970-01-01' FROM generate_series(1, 12) n;
INSERT INTO res_partner (name, display_name, parent_id, email)
VALUES ('Zoé', 'Client 1, Zoé', 2, 'zoe@specibike.example');
INSERT INTO res_partner_bank (acc_number, owner_name, partner_id, state)
VALUES ('FR76 3000 6000 0112 3456 7890 189', 'Client 1', 2, 'iban');
INSERT INTO mail_message (subject, body, email_from, model, res_id, record_name)
VALUES ('Devis', '<p>Bonjour</p>', 'Client 1 <client1@specibike.example>', 'res.partner', 2,
    'Client 1');
INSERT INTO mail_mail (mail_message_id, state, email_to, "references")
VALUES (1, 'sent', 'client1@specibike.example', '<1@specibike.example>');
INSERT INTO crm_lead (name, partner_name, contact_name, email_from)
VALUES ('Vélos', 'Client 1', 'Zoé', 'client1@specibike.example');
INSERT INTO hr_employee (resource_id, name_related, work_email, birthday)
VALUES (1, 'Zoé', 'zoe@specibike.example', '1970-01-01');
INSERT INTO resource_resource (name, resource_type) VALUES ('Zoé', 'user');
INSERT INTO ir_attachment (name, datas_fname, type, db_datas, file_type, file_size, index_content)
VALUES ('Contrat', 'Contrat de Zoé.pdf', 'binary', 'VGhlIGNvbnRyYWN0', 'application/pdf', 12,
    'The contract');
INSERT INTO ir_attachment (name, datas_fname, type, store_fname)
VALUES ('Photo', 'Zoé.png', 'binary', '0123456789abcdef');
"""

OPENERP_6: Final = """
INSERT INTO res_partner (name, vat) SELECT 'Client ' || n, 'FR40303265045'
FROM generate_series(1, 12) n;
INSERT INTO res_partner_address (partner_id, name, email, phone, street, zip, city)
SELECT id, name || ' Durand', 'client' || id % 5 || '@specibike.example',
    '+33 1 40 20 50 0' || id % 5, id || ' rue des Vélos', '75001', 'Paris' FROM res_partner;
INSERT INTO res_partner_bank (acc_number, iban, owner_name, partner_id, state)
VALUES (NULL, 'FR7630006000011234567890189', 'Client 1', 2, 'iban');
INSERT INTO mailgate_message (name, description, email_from, email_to)
VALUES ('Devis', 'Bonjour', 'client1@specibike.example', 'client2@specibike.example');
INSERT INTO mail_message (subject, body_text, email_from, email_to, state, headers)
VALUES ('Devis', 'Bonjour client1@specibike.example', 'client1@specibike.example',
    'client2@specibike.example', 'sent', 'From: client1@specibike.example');
UPDATE res_users SET user_email = login || '@specibike.example';
"""
