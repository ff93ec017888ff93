"""A production's ``postgresql.conf`` on Debian, with all that must not follow it elsewhere."""

DEBIAN = """\
# as Debian lays it
data_directory = '/var/lib/postgresql/13/main'\t\t# use data in another directory
hba_file = '/etc/postgresql/13/main/pg_hba.conf'
external_pid_file = '/var/run/postgresql/13-main.pid'
#listen_addresses = 'localhost'
port = 5433
max_connections = 200\t\t\t# (change requires restart)
unix_socket_directories = '/var/run/postgresql'
ssl = on
ssl_cert_file = '/etc/ssl/certs/ssl-cert-snakeoil.pem'
shared_buffers = 128MB
shared_preload_libraries = 'pg_stat_statements'
archive_mode = on
archive_command = 'curl -u backup:pw-archive -T %p https://archive/%f'
primary_conninfo = 'host=10.0.0.6 user=rep password=pw-primary'
#primary_conninfo = 'host=10.0.0.7 password=pw-older'
synchronous_standby_names = '*'
stats_temp_directory = '/var/run/postgresql/13-main.pg_stat_tmp'
lc_messages = 'fr_FR.UTF-8'
include_dir = 'conf.d'
include 'extra.conf'
include_if_exists = 'more.conf'
"""
