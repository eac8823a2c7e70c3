#!/bin/bash
# Starts one KRaft broker from the environment, as the apache/kafka image does: KAFKA_* are its properties
# (___ is a dash, __ an underscore, _ a dot), CLUSTER_ID its cluster. A second start finds its data again.
set -euo pipefail

properties=/tmp/server.properties
: > "$properties"
while IFS= read -r name; do
  case "$name" in
    KAFKA_HEAP_OPTS | KAFKA_JVM_PERFORMANCE_OPTS | KAFKA_OPTS | KAFKA_JMX_* | KAFKA_GC_LOG_OPTS | KAFKA_*LOG4J_* | KAFKA_VERSION) continue ;;
  esac
  key=$(printf '%s' "${name#KAFKA_}" | tr 'A-Z' 'a-z' | sed 's/___/-/g; s/__/\x01/g; s/_/./g; s/\x01/_/g')
  printf '%s=%s\n' "$key" "${!name}" >> "$properties"
done < <(compgen -v KAFKA_)

data=$(sed -n 's/^log\.dirs=//p' "$properties")
level=$(printf '%s' "${KAFKA_LOG4J_ROOT_LOGLEVEL:-WARN}" | tr 'A-Z' 'a-z')
# In the order of the archive: made of another class path it is not used.
classpath=$(printf '%s:' /opt/kafka/libs/*.jar)
java=(java -XX:SharedArchiveFile=/opt/kafka/classes.jsa -Dorg.slf4j.simpleLogger.defaultLogLevel="$level" -Dorg.slf4j.simpleLogger.showDateTime=true)
if [ ! -e "$data/meta.properties" ]; then
  "${java[@]}" -cp "$classpath" kafka.tools.StorageTool format -t "$CLUSTER_ID" -c "$properties"
fi
# Unquoted on purpose: the variables hold several options.
exec "${java[@]}" ${KAFKA_HEAP_OPTS:--Xmx384m} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} \
  -cp "$classpath" kafka.Kafka "$properties"
