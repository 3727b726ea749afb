use super::*;

fn none() -> Guard {
    Guard::default()
}

#[test]
fn an_address_of_this_machine_or_its_network_is_none_however_it_is_written() {
    let vectors = "127.0.0.1 127.1 127.255.255.254 0177.0.0.1 0x7f.0.0.1 0x7f000001 2130706433 017700000001 0 0.0.0.0
        10.0.0.1 10.255.255.255 012.0.0.1 172.16.0.1 172.31.255.254 192.168.0.1 192.168.255.255 3232235521
        169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.0.1 100.64.0.1 100.100.100.200 100.127.255.255
        192.0.0.1 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1
        255.255.255.255 192.88.99.1 168.63.129.16
        [::1] [::] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:10.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1]
        [64:ff9b::169.254.169.254] [64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001::1] [2001:0:53aa:64c::1]
        [2001:db8::1] [fe80::1] [febf::1] [fec0::1] [fc00::1] [fd00:ec2::254] [fdff::1] [ff02::1] [100::1] [3fff::1]
        [::ffff:0:127.0.0.1] 127。0。0。1 ①②⑦.0.0.1 127.0.0.1.";
    let mut count = 0;
    for host in vectors.split_whitespace() {
        let address = format!("https://{host}/");
        assert!(none().url("url", &address).is_err(), "{address}");
        count += 1;
    }
    assert!(count >= 60, "{count}");
}

#[test]
fn an_address_says_how_it_is_reached_and_nothing_of_who_reaches_it() {
    for wrong in [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://example.com:70/",
        "https://user@hooks.example.com/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com:22/",
        "https://hooks.example.com:80/",
        "https:///",
        "hooks.example.com",
        "",
        "javascript:alert(1)",
    ] {
        assert!(none().url("url", wrong).is_err(), "{wrong}");
    }
    for right in ["https://hooks.example.com/", "https://8.8.8.8:8443/a?b=c", "https://[2606:4700::1111]/"] {
        assert!(none().url("url", right).is_ok(), "{right}");
    }
}

#[test]
fn an_installation_may_open_a_network_and_only_that() {
    let guard = Guard::new(["10.1.0.0/16".parse().unwrap(), "fd00:1::/32".parse().unwrap()]);
    assert!(guard.url("url", "http://10.1.2.3:9000/").is_ok());
    assert!(guard.url("url", "https://[fd00:1::5]/").is_ok());
    assert!(guard.url("url", "https://10.2.0.1/").is_err());
    assert!(guard.url("url", "https://[::ffff:127.0.0.1]/").is_err());
    assert!(guard.url("url", "https://[::ffff:10.1.0.1]/").is_ok(), "the same address");
}

#[test]
fn a_network_reads_back_what_it_prints() {
    for text in ["10.0.0.0/8", "192.168.1.7/32", "fd00::/8", "::1/128", "0.0.0.0/0"] {
        assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
    }
    for wrong in ["10.0.0.0/33", "10.0.0/8", "fd00::/129", "x", "", "10.0.0.0/-1"] {
        assert!(wrong.parse::<Network>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_name_that_leads_home_is_not_followed() {
    assert_eq!(none().resolve("localhost", 443).await, Err(Denied::Private));
    assert_eq!(none().resolve("127.0.0.1", 443).await, Err(Denied::Private));
    let open = Guard::new(["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
    assert!(open.resolve("localhost", 443).await.is_ok());
}

#[tokio::test]
async fn a_client_neither_reaches_home_nor_follows_a_redirect_there() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let canary = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = canary.local_addr().unwrap();
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let url = Url::parse(&format!("https://{host}:{}/", address.port())).unwrap();
        let client = none().client().unwrap();
        let attempt = crate::exchange::exchange(&none(), &url, client.post(url.clone())).await;
        assert!(matches!(attempt.outcome, crate::Outcome::Refused { .. }), "{host}: {attempt:?}");
    }
    // A redirect, from a network that is allowed to one that is not.
    let door = tokio::net::TcpListener::bind("127.0.0.2:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", door.local_addr().unwrap())).unwrap();
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{address}/\r\ncontent-length: 0\r\n\r\n");
    let serving = tokio::spawn(async move {
        let (mut stream, _) = door.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let guard = Guard::new(["127.0.0.2".parse().unwrap()]);
    let client = guard.client().unwrap();
    let attempt = crate::exchange::exchange(&guard, &url, client.post(url.clone())).await;
    assert_eq!(attempt.code, Some(302));
    assert!(matches!(attempt.outcome, crate::Outcome::Refused { .. }), "{attempt:?}");
    serving.await.unwrap();
    let reached = tokio::time::timeout(std::time::Duration::from_millis(50), canary.accept()).await;
    assert!(reached.is_err(), "nobody came");
}
