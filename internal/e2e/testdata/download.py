# Downloads by a torrent with libtorrent. Arguments: the torrent, and the folder.
import sys, time
import libtorrent as lt

session = lt.session({
    "listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
    "enable_natpmp": False, "ssrf_mitigation": False,  # web seeds here are on this machine
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.status_notification,
})
params = lt.add_torrent_params()
params.ti = lt.torrent_info(sys.argv[1])
params.save_path = sys.argv[2]
torrent = session.add_torrent(params)
deadline = time.time() + 50
while not torrent.status().is_seeding:
    for alert in session.pop_alerts():
        print(alert.message(), flush=True)
    if time.time() > deadline:
        sys.exit("still not complete: %s" % torrent.status().state)
    time.sleep(0.05)
print("complete", torrent.info_hashes().v1, torrent.info_hashes().v2)
session.pause()
