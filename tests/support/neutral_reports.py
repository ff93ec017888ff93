"""Tables of JasperReports Server 7.2.0's repository and scheduler, with what no copy may hold.

It can't be had here. Of each table there are the columns that rules touch, with their types and
constraints, and those beside them; written from what is documented of its schema. As in
``neutral_samples``, each act of a rule has its rows.
"""

from __future__ import annotations

from typing import Final

from tests.support.neutral_lab import Rows

LOGIN: Final = "jasperadmin"

_REPOSITORY: Final = """
CREATE TABLE jiuser (
    id bigint PRIMARY KEY, username varchar(100) NOT NULL, tenantid bigint NOT NULL,
    fullname varchar(100) NOT NULL, emailaddress varchar(100), password varchar(250),
    externallydefined boolean, enabled boolean, previouspasswordchangetime timestamp,
    UNIQUE (username, tenantid));
CREATE TABLE jiresourcefolder (
    id bigint PRIMARY KEY, version integer NOT NULL, uri varchar(250) NOT NULL UNIQUE,
    hidden boolean, name varchar(200) NOT NULL, label varchar(200) NOT NULL,
    description varchar(250), parent_folder bigint REFERENCES jiresourcefolder);
CREATE TABLE jiresource (
    id bigint PRIMARY KEY, version integer NOT NULL, name varchar(200) NOT NULL,
    parent_folder bigint NOT NULL REFERENCES jiresourcefolder, label varchar(200) NOT NULL,
    description varchar(250), resourcetype varchar(255) NOT NULL);
CREATE TABLE jijdbcdatasource (
    id bigint PRIMARY KEY REFERENCES jiresource, driver varchar(100) NOT NULL,
    connectionurl varchar(500), username varchar(100), password varchar(250),
    timezone varchar(100));
CREATE TABLE jiprofileattribute (
    id bigint PRIMARY KEY, attrname varchar(255) NOT NULL, attrvalue varchar(2000));
"""

_JOBS: Final = """
CREATE TABLE jireportjobtrigger (
    id bigint PRIMARY KEY, version integer NOT NULL, timezone varchar(40),
    start_type smallint NOT NULL, start_date timestamp, end_date timestamp,
    calendar_name varchar(50), misfire_instruction integer NOT NULL);
CREATE TABLE jireportjobsimpletrigger (
    id bigint PRIMARY KEY REFERENCES jireportjobtrigger, occurrence_count integer NOT NULL,
    recurrence_interval integer, recurrence_interval_unit smallint);
CREATE TABLE jireportjobcalendartrigger (
    id bigint PRIMARY KEY REFERENCES jireportjobtrigger, minutes varchar(200) NOT NULL,
    hours varchar(80) NOT NULL, days_type smallint NOT NULL, week_days varchar(20),
    month_days varchar(100), months varchar(40) NOT NULL);
CREATE TABLE jireportjobmail (
    id bigint PRIMARY KEY, version integer NOT NULL, subject varchar(100) NOT NULL,
    message varchar(2000), send_type smallint NOT NULL, skip_empty boolean NOT NULL,
    message_text_when_job_fails varchar(2000));
CREATE TABLE jireportjobmailrecipient (
    destination_id bigint NOT NULL REFERENCES jireportjobmail, recipient_type smallint NOT NULL,
    address varchar(100) NOT NULL, recipient_idx integer NOT NULL,
    PRIMARY KEY (destination_id, recipient_idx));
CREATE TABLE jireportalert (
    id bigint PRIMARY KEY, version integer NOT NULL, recipient smallint NOT NULL,
    subject varchar(100), message_text varchar(2000), job_state smallint NOT NULL);
CREATE TABLE jireportalerttoaddress (
    alert_id bigint NOT NULL REFERENCES jireportalert, to_address varchar(100) NOT NULL,
    to_address_idx integer NOT NULL, PRIMARY KEY (alert_id, to_address_idx));
CREATE TABLE jireportjobrepodest (
    id bigint PRIMARY KEY, version integer NOT NULL, folder_uri varchar(250),
    sequential_filenames boolean NOT NULL, overwrite_files boolean NOT NULL,
    output_description varchar(250), timestamp_pattern varchar(250),
    save_to_repository boolean NOT NULL, default_report_output_folder_uri varchar(250),
    using_def_rpt_opt_folder_uri boolean NOT NULL, output_local_folder varchar(250),
    user_name varchar(50), password varchar(250), server_name varchar(150),
    folder_path varchar(250));
CREATE TABLE jiftpinfoproperties (
    repodest_id bigint NOT NULL REFERENCES jireportjobrepodest, property_name varchar(100) NOT NULL,
    property_value varchar(250), PRIMARY KEY (repodest_id, property_name));
CREATE TABLE jireportjob (
    id bigint PRIMARY KEY, version integer NOT NULL, owner bigint NOT NULL REFERENCES jiuser,
    label varchar(100) NOT NULL, description varchar(2000), creation_date timestamp,
    report_unit_uri varchar(250) NOT NULL,
    job_trigger bigint NOT NULL REFERENCES jireportjobtrigger,
    base_output_name varchar(100) NOT NULL, output_locale varchar(20),
    content_destination bigint REFERENCES jireportjobrepodest,
    mail_notification bigint REFERENCES jireportjobmail, alert bigint REFERENCES jireportalert);
"""

_QUARTZ: Final = """
CREATE TABLE qrtz_job_details (
    sched_name varchar(120) NOT NULL, job_name varchar(200) NOT NULL,
    job_group varchar(200) NOT NULL, description varchar(250), job_class_name varchar(250) NOT NULL,
    is_durable boolean NOT NULL, is_nonconcurrent boolean NOT NULL, is_update_data boolean NOT NULL,
    requests_recovery boolean NOT NULL, job_data bytea,
    PRIMARY KEY (sched_name, job_name, job_group));
CREATE TABLE qrtz_triggers (
    sched_name varchar(120) NOT NULL, trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL, job_name varchar(200) NOT NULL,
    job_group varchar(200) NOT NULL, description varchar(250), next_fire_time bigint,
    prev_fire_time bigint, priority integer, trigger_state varchar(16) NOT NULL,
    trigger_type varchar(8) NOT NULL, start_time bigint NOT NULL, end_time bigint,
    calendar_name varchar(200), misfire_instr smallint, job_data bytea,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, job_name, job_group) REFERENCES qrtz_job_details);
CREATE TABLE qrtz_simple_triggers (
    sched_name varchar(120) NOT NULL, trigger_name varchar(200) NOT NULL,
    trigger_group varchar(200) NOT NULL, repeat_count bigint NOT NULL,
    repeat_interval bigint NOT NULL, times_triggered bigint NOT NULL,
    PRIMARY KEY (sched_name, trigger_name, trigger_group),
    FOREIGN KEY (sched_name, trigger_name, trigger_group) REFERENCES qrtz_triggers);
CREATE TABLE qrtz_fired_triggers (
    sched_name varchar(120) NOT NULL, entry_id varchar(95) NOT NULL,
    trigger_name varchar(200) NOT NULL, trigger_group varchar(200) NOT NULL,
    instance_name varchar(200) NOT NULL, fired_time bigint NOT NULL, sched_time bigint NOT NULL,
    priority integer NOT NULL, state varchar(16) NOT NULL, job_name varchar(200),
    job_group varchar(200), is_nonconcurrent boolean, requests_recovery boolean,
    PRIMARY KEY (sched_name, entry_id));
CREATE TABLE qrtz_locks (
    sched_name varchar(120) NOT NULL, lock_name varchar(40) NOT NULL,
    PRIMARY KEY (sched_name, lock_name));
"""

TABLES: Final = (
    _REPOSITORY
    + _JOBS
    + _QUARTZ
    + """
INSERT INTO jiuser (id, username, tenantid, fullname, password, enabled)
VALUES (1, 'jasperadmin', 1, 'Administrator', '349AFAADD5C5A2BD', true),
    (2, 'anonymousUser', 1, 'anonymous', 'A1B2', true);
INSERT INTO jiresourcefolder (id, version, uri, name, label) VALUES (1, 0, '/', '/', 'root');
INSERT INTO jiresource (id, version, name, parent_folder, label, resourcetype)
VALUES (1, 0, 'erp', 1, 'ERP', 'jdbc');
INSERT INTO jijdbcdatasource (id, driver, connectionurl, username, password)
VALUES (1, 'org.postgresql.Driver', 'jdbc:postgresql://db:5432/erp', 'openprod', 'A1B2');
INSERT INTO jireportjobtrigger (id, version, start_type, misfire_instruction) VALUES (1, 0, 1, 0);
INSERT INTO jireportjobmail (id, version, subject, send_type, skip_empty)
VALUES (1, 0, 'Sales', 1, false);
INSERT INTO jireportalert (id, version, recipient, job_state) VALUES (1, 0, 1, 1);
INSERT INTO jireportjobrepodest (id, version, sequential_filenames, overwrite_files,
    save_to_repository, using_def_rpt_opt_folder_uri)
VALUES (1, 0, false, true, true, false), (2, 0, false, true, true, false);
INSERT INTO qrtz_locks VALUES ('s', 'TRIGGER_ACCESS');
"""
)

ROWS: Final[Rows] = {
    "scheduled-reports": (
        """INSERT INTO qrtz_job_details VALUES ('s', 'job_1', 'ReportJobs', NULL,
            'ReportExecutionJob', false, false, false, true, NULL);
        INSERT INTO qrtz_triggers (sched_name, trigger_name, trigger_group, job_name, job_group,
            trigger_state, trigger_type, start_time)
        VALUES ('s', 'trigger_1_0', 'ReportJobs', 'job_1', 'ReportJobs', 'WAITING', 'SIMPLE', 0)""",
        """INSERT INTO qrtz_fired_triggers (sched_name, entry_id, trigger_name, trigger_group,
            instance_name, fired_time, sched_time, priority, state, requests_recovery)
        VALUES ('s', '1', 'trigger_1_0', 'ReportJobs', 'i', 0, 0, 5, 'EXECUTING', true)""",
    ),
    "report-mail": (
        "INSERT INTO jireportjobmailrecipient VALUES (1, 1, 'boss@specibike.example', 0)",
        "INSERT INTO jireportalerttoaddress VALUES (1, 'boss@specibike.example', 0)",
        """INSERT INTO jireportjob (id, version, owner, label, report_unit_uri, job_trigger,
            base_output_name, content_destination, mail_notification, alert)
        VALUES (1, 0, 1, 'Sales every Monday', '/sales', 1, 'sales', 1, 1, 1)""",
    ),
    "report-output": (
        """UPDATE jireportjobrepodest SET server_name = 'ftp.example.com', user_name = 'us',
            password = 'A1B2', folder_path = '/in', output_local_folder = '/srv/reports'
        WHERE id = 2""",
        "INSERT INTO jiftpinfoproperties VALUES (2, 'type', 'ftps')",
    ),
    "report-users": (
        """INSERT INTO jiuser (id, username, tenantid, fullname, password, enabled)
        VALUES (3, 'zoe', 1, 'Zoé', 'A1B2', true)""",
        "",
    ),
}
