"""Keys of older versions that configuration files still hold, and what they have become."""

OLDER_KEYS: dict[str, str] = {
    "cputhresh": "no longer used: pilots give way to what the owner's own processes use; see grace_kill and max_docks",
    "rigidity": "no longer used; the nearest today is grace_kill, in seconds",
    "morbidity": "no longer used; the nearest today is main_sleep, in seconds",
    "maxcontainers": "called max_docks today",
    "maxcontainer": "called max_docks today",
    "mincontainer": "no longer used: there is no least number of pilots; see max_docks for the most",
    "pilot_dock": "called docker_image today",
    "pilot_entrypoint": "called docker_cmd today",
    "pilot_privileged": "called docker_privileged today",
    "secopt": "called security_opts today",
    "dock_condor_conf": "no longer used; the nearest today is binds",
    "parrot_wrapper_path": "no longer used; the nearest today is binds",
    "local_configs": "no longer used; the nearest today is binds",
    "sandbox": "no longer used: a pilot's own file system ends with it; the nearest today is binds",
    "influxdb_address": "called influxdb_url today, in the form http://host:port#database",
    "database_name": "no longer used: the database is the part of influxdb_url after #",
    "database_schema": "no longer used: influxdb_url begins with http:// or https://",
    "elasticsearch_conf": "no longer used; the nearest today is influxdb_url",
}
"""What to tell whoever uses the key."""
