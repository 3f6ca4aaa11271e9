//! Link arguments that Node-API addons need on each platform. On ELF platforms the library is also never unloaded: its
//! threads outlive a worker that loaded it.

fn main() {
    napi_build::setup();
}
