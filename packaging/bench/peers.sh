#!/usr/bin/env bash
# Starts and stops the DAV servers of Debian that davbench compares with, each on loopback, user bench, password bench.
#   peers.sh install               the Debian packages (as root)
#   peers.sh start NAME DIR        data and configuration under DIR/NAME; prints what davbench needs; pid(s) in DIR/NAME/pid
#   peers.sh stop NAME DIR
#   peers.sh fresh DIR SIZE        a new ext4 in a loop file mounted at DIR (as root); peers.sh unfresh DIR takes it away
# Names: ruche floor floor-durable (the bare Go server in floor/) apache nginx lighttpd rclone radicale xandikos, and
# ruche-tls floor-tls over TLS. BENCH_BIN is a folder with our programs, which are built when it is not set;
# BENCH_PORT the first of the ports.
# Creating files soon after a mass delete on the same ext4 is slow and makes all servers look alike: give each a fresh one.
set -eu
PATH=$PATH:/usr/local/go/bin:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
base=${BENCH_PORT:-17100}
declare -A port=([ruche]=$((base + 1)) [ruche-tls]=$((base + 2)) [floor]=$((base + 3)) [floor-durable]=$((base + 4)) [floor-tls]=$((base + 5))
  [apache]=$((base + 11)) [nginx]=$((base + 12)) [lighttpd]=$((base + 13)) [rclone]=$((base + 15)) [radicale]=$((base + 21)) [xandikos]=$((base + 23)))
# program NAME PACKAGE: one of ours, as the file NAME in the peer's folder.
program() { if [ -n "${BENCH_BIN-}" ]; then cp "$BENCH_BIN/$1" "$d/$1"; elif [ ! -x "$d/$1" ]; then (cd "$here" && go build -o "$d/$1" "$2"); fi; }
up() { for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "port $1 does not answer" >&2; exit 1; }
sha() { printf 'bench:{SHA}%s\n' "$(printf bench | openssl dgst -binary -sha1 | base64)"; }
start() {
  local name=$1 d; mkdir -p "$2/$1/data"; d=$(cd "$2/$1" && pwd); local p=${port[$name]}; cd "$d"
  case $name in
  floor|floor-durable|floor-tls)
    program floor ./floor
    ./floor -dir data -serve 127.0.0.1:$p $([ $name = floor-durable ] && echo -durable) $([ $name = floor-tls ] && echo -tls) >out.log 2>&1 & echo $! >pid;;
  ruche|ruche-tls)
    program fill ./fill; program ruche ../../cmd/ruche; program tlsdoor ./tlsdoor
    # shellcheck disable=SC2086 # a list of flags
    [ -s password ] || { rmdir data; ./fill -data "$d/data" ${BENCH_FILL-} >password; }
    if [ $name = ruche ]; then ./ruche serve --data "$d/data" --listen 127.0.0.1:$p >out.log 2>&1 & else ./tlsdoor -data "$d/data" -serve 127.0.0.1:$p >out.log 2>&1 & fi
    echo $! >pid;;
  apache)
    mkdir -p lock; sha >htpasswd; chown -R www-data:www-data data lock; chmod 755 . 
    cat >httpd.conf <<C
ServerRoot "/etc/apache2"
ServerName 127.0.0.1
Listen 127.0.0.1:$p
PidFile $d/pid
ErrorLog $d/error.log
User www-data
Group www-data
$(for m in mpm_event authn_core authn_file authz_core authz_user auth_basic mime dav dav_fs; do echo "LoadModule ${m}_module /usr/lib/apache2/modules/mod_$m.so"; done)
TypesConfig /etc/mime.types
KeepAlive On
MaxKeepAliveRequests 0
LimitRequestBody 0
DavLockDB $d/lock/DavLock
DocumentRoot $d/data
<Directory $d/data>
  Dav On
  AuthType Basic
  AuthName bench
  AuthUserFile $d/htpasswd
  Require valid-user
</Directory>
C
    /usr/sbin/apache2 -f "$d/httpd.conf" -k start;;
  nginx)
    mkdir -p data/.tmp; sha >htpasswd; chown -R www-data:www-data data htpasswd
    cat >nginx.conf <<C
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
user www-data; worker_processes 2; pid $d/pid; error_log $d/error.log warn;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_body_temp_path $d/data/.tmp; dav_ext_lock_zone zone=locks:10m;
  server { listen 127.0.0.1:$p; root $d/data; client_max_body_size 0; auth_basic bench; auth_basic_user_file $d/htpasswd;
    location / { dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK; dav_ext_lock zone=locks; create_full_put_path on; dav_access user:rw group:r all:r; } } }
C
    /usr/sbin/nginx -c "$d/nginx.conf" -p "$d";;
  lighttpd)
    mkdir -p db tmp; echo bench:bench >users; chown -R www-data:www-data data db tmp users .
    cat >lighttpd.conf <<C
server.modules = ( "mod_auth", "mod_authn_file", "mod_webdav" )
server.document-root = "$d/data"
server.bind = "127.0.0.1"
server.port = $p
server.username = "www-data"
server.groupname = "www-data"
server.errorlog = "$d/error.log"
server.upload-dirs = ( "$d/tmp" )
server.max-keep-alive-requests = 100000000
server.stream-request-body = 1
webdav.activate = "enable"
webdav.is-readonly = "disable"
webdav.sqlite-db-name = "$d/db/webdav.db"
auth.backend = "plain"
auth.backend.plain.userfile = "$d/users"
auth.require = ( "/" => ( "method" => "basic", "realm" => "bench", "require" => "valid-user" ) )
C
    /usr/sbin/lighttpd -D -f "$d/lighttpd.conf" >out.log 2>&1 & echo $! >pid;;
  rclone)
    /usr/bin/rclone serve webdav "$d/data" --addr 127.0.0.1:$p --user bench --pass bench --config /dev/null >out.log 2>&1 & echo $! >pid;;
  radicale)
    echo bench:bench >users
    printf '[server]\nhosts = 127.0.0.1:%s\nmax_connections = 20\n[auth]\ntype = htpasswd\nhtpasswd_filename = %s/users\nhtpasswd_encryption = plain\ndelay = 0\n[storage]\nfilesystem_folder = %s/data\n[logging]\nlevel = warning\n' $p "$d" "$d" >config
    /usr/bin/radicale --config "$d/config" >out.log 2>&1 & echo $! >pid;;
  xandikos)
    /usr/bin/xandikos -d "$d/data" -l 127.0.0.1 -p $p --defaults --current-user-principal /bench >out.log 2>&1 & echo $! >pid;;
  esac
  up $p; for _ in $(seq 50); do [ -s pid ] && break; sleep 0.1; done
  case $name in
  radicale) echo "-peer radicale -calendars http://127.0.0.1:$p/bench/ -contacts http://127.0.0.1:$p/bench/ -pid $(cat pid)";;
  xandikos) echo "-peer xandikos -calendars http://127.0.0.1:$p/bench/calendars/ -contacts http://127.0.0.1:$p/bench/contacts/ -pid $(cat pid)";;
  ruche) echo "-peer ruche -files http://127.0.0.1:$p/dav/files/bench/ -password $(cat password) -pid $(cat pid)";;
  ruche-tls) echo "-peer ruche-tls -insecure -files https://127.0.0.1:$p/dav/files/bench/ -password $(cat password) -pid $(cat pid)";;
  floor-tls) echo "-peer floor-tls -insecure -files https://127.0.0.1:$p/ -pid $(cat pid)";;
  *) echo "-peer $name -files http://127.0.0.1:$p/ -pid $(cat pid)";;
  esac
}
stop() {
  local f=$2/$1/pid; [ -s "$f" ] || return 0; local p; p=$(cat "$f"); kill "$p" 2>/dev/null || true
  for _ in $(seq 40); do kill -0 "$p" 2>/dev/null || break; sleep 0.2; done; rm -f "$f"
}
case ${1-} in
install) apt-get update -qq && apt-get install -y -qq --no-install-recommends apache2-bin apache2-utils media-types nginx-light libnginx-mod-http-dav-ext lighttpd lighttpd-mod-webdav rclone radicale xandikos openssl;;
start|stop) "$1" "$2" "$3";;
fresh) truncate -s "${3:-3G}" "$2.img"; mkfs.ext4 -q -F -E lazy_itable_init=0 "$2.img"; mkdir -p "$2"; mount -o loop "$2.img" "$2"; rmdir "$2/lost+found"; sync;;
unfresh) umount "$2"; rm -f "$2.img"; rmdir "$2";;
*) sed -n '2,11s/^# \?//p' "$0" >&2; exit 2;;
esac
