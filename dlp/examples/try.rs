fn main() {
    let s = tollgate_dlp::Scanner::new().unwrap();
    for a in std::env::args().skip(1) {
        println!("{:?}", s.scan(a.as_bytes()));
        let j = tollgate_dlp::Judge::new(tollgate_dlp::Grade::Possible, vec![]).unwrap();
        println!("{}", s.redact(&a, &j, tollgate_dlp::Direction::Request).text);
    }
}
