# Reads torrents with libtorrent; prints what they say, each line with the number
# of the torrent before it, and whether the content in a folder is complete.
# Arguments: torrent, folder, torrent, folder, ...
import sys, time
import libtorrent as lt

session = lt.session({"listen_interfaces": "", "enable_dht": False, "enable_lsd": False,
                      "enable_upnp": False, "enable_natpmp": False})
torrents = []
for i in range(len(sys.argv) // 2):
    info = lt.torrent_info(sys.argv[1 + 2 * i])
    print(i, "v1", info.info_hashes().v1)
    print(i, "v2", info.info_hashes().v2)
    print(i, "name", info.name())
    for seed in info.web_seeds():
        print(i, "seed", seed["url"])
    params = lt.add_torrent_params()
    params.ti = info
    params.save_path = sys.argv[2 + 2 * i]
    params.flags = lt.torrent_flags.upload_mode
    torrents.append(session.add_torrent(params))

checking = (lt.torrent_status.checking_files, lt.torrent_status.checking_resume_data)
deadline = time.time() + 30
for i, torrent in enumerate(torrents):
    while torrent.status().state in checking and time.time() < deadline:
        time.sleep(0.02)
    print(i, "complete", torrent.status().is_seeding)
