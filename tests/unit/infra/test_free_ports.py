import socket

from blackcat.infra.free_ports import any_free_port, is_free


def test_a_port_is_free_until_someone_listens_on_any_of_our_addresses():
    for host in ("127.0.0.1", ""):
        port = any_free_port()
        assert is_free(port)
        with socket.create_server((host, port)):
            assert not is_free(port)
