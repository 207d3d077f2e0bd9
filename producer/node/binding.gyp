{
  "targets": [{
    "target_name": "arbiter_producer",
    "sources": ["addon.c", "addon_record.c", "addon_request.c"],
    "cflags": ["-O3", "<!@(pkg-config --cflags arbiter-producer)"],
    "libraries": ["<!@(pkg-config --libs arbiter-producer)", "-Wl,-rpath,<!@(pkg-config --variable=libdir arbiter-producer)"]
  }]
}
