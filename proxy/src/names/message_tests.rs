use hickory_proto::rr::Name;

use super::*;

fn query(name: &str, kind: RecordType) -> Message {
    asking(Name::from_ascii(name).unwrap(), kind)
}

fn asking(name: Name, kind: RecordType) -> Message {
    let mut message = Message::new(77, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name, kind));
    message
}

fn code(bytes: &[u8]) -> ResponseCode {
    Message::from_vec(bytes).unwrap().metadata.response_code
}

#[test]
fn a_question_is_read_in_one_spelling() {
    let asked = read(&query("API.Example.ORG.", RecordType::A).to_vec().unwrap()).unwrap();
    assert_eq!(asked.name().as_deref(), Some("api.example.org"));
    assert_eq!((asked.kind(), asked.room()), (Kind::A, 512));
    for (kind, expect) in [
        (RecordType::AAAA, Kind::Aaaa),
        (RecordType::HTTPS, Kind::Service),
        (RecordType::SVCB, Kind::Service),
        (RecordType::TXT, Kind::Other),
        (RecordType::ANY, Kind::Other),
        (RecordType::AXFR, Kind::Other),
    ] {
        assert_eq!(read(&query("a.test.", kind).to_vec().unwrap()).unwrap().kind(), expect);
    }
    let mut chaos = query("a.test.", RecordType::A);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(read(&chaos.to_vec().unwrap()).unwrap().kind(), Kind::Other);
    // A dot or another byte inside a label could be written as another name.
    for label in [&b"a.b"[..], b"a\x1bb", b"a~b", b"a b"] {
        let name = Name::from_labels([label, b"test"]).unwrap();
        let asked = read(&asking(name, RecordType::A).to_vec().unwrap()).unwrap();
        assert_eq!(asked.name(), None, "{label:?}");
    }
    let asked = read(&query(".", RecordType::A).to_vec().unwrap()).unwrap();
    assert_eq!(asked.name(), None);
}

#[test]
fn what_is_no_query_is_not_taken_for_one() {
    assert!(matches!(read(b""), Err(None)));
    assert!(matches!(read(&[0; 11]), Err(None)));
    let mut answer = query("a.test.", RecordType::A);
    answer.metadata.message_type = MessageType::Response;
    assert!(matches!(read(&answer.to_vec().unwrap()), Err(None)));

    let refused = |message: &Message| code(&read(&message.to_vec().unwrap()).unwrap_err().unwrap());
    let mut two = query("a.test.", RecordType::A);
    two.add_query(Query::query(Name::from_ascii("b.test.").unwrap(), RecordType::A));
    assert_eq!(refused(&two), ResponseCode::FormErr);
    let mut none = query("a.test.", RecordType::A);
    none.queries.clear();
    assert_eq!(refused(&none), ResponseCode::FormErr);
    let mut carrying = query("a.test.", RecordType::A);
    let name = Name::from_ascii("a.test.").unwrap();
    carrying.add_additional(Record::from_rdata(name, 1, RData::A(A([1, 2, 3, 4].into()))));
    assert_eq!(refused(&carrying), ResponseCode::FormErr);
    let mut update = query("a.test.", RecordType::SOA);
    update.metadata.op_code = OpCode::Update;
    assert_eq!(refused(&update), ResponseCode::NotImp);
    let mut newer = query("a.test.", RecordType::A);
    newer.set_edns(Edns::new().set_version(1).clone());
    // 16, which is also the word of another extension.
    assert_eq!(u16::from(refused(&newer)), 16);

    let mut cut = query("a.test.", RecordType::A).to_vec().unwrap();
    cut.truncate(15);
    assert_eq!(code(&read(&cut).unwrap_err().unwrap()), ResponseCode::FormErr);
    let mut long = query("a.test.", RecordType::A).to_vec().unwrap();
    long.resize(QUERY_MAX + 1, 0);
    assert_eq!(code(&read(&long).unwrap_err().unwrap()), ResponseCode::FormErr);
    // A name that points at itself.
    let mut turning = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    turning.extend([0xc0, 12, 0, 1, 0, 1]);
    assert_eq!(code(&read(&turning).unwrap_err().unwrap()), ResponseCode::FormErr);
}

#[test]
fn answers_repeat_the_question_and_fit() {
    let mut message = query("Api.Example.org.", RecordType::AAAA);
    message.set_edns(Edns::new().set_max_payload(900).clone());
    let asked = read(&message.to_vec().unwrap()).unwrap();
    assert_eq!(asked.room(), 900);
    let addresses = ["2001:db8::1".parse().unwrap(), "2001:db8::2".parse().unwrap()];
    let answer = Message::from_vec(&asked.answer(Reply::Addresses(&addresses, 30), 900)).unwrap();
    assert_eq!(answer.metadata.id, 77);
    assert!(answer.metadata.recursion_desired && answer.metadata.recursion_available);
    assert_eq!(answer.metadata.message_type, MessageType::Response);
    // Letter for letter, since clients compare (0x20).
    assert_eq!(answer.queries[0].name().to_ascii(), "Api.Example.org.");
    assert_eq!(answer.answers.len(), 2);
    assert!(answer.answers.iter().all(|record| record.ttl == 30));
    assert_eq!(answer.edns.as_ref().unwrap().max_payload(), OUR_MAX);

    let many = [addresses[0]; 40];
    let bytes = asked.answer(Reply::Addresses(&many, 30), 512);
    let cut = Message::from_vec(&bytes).unwrap();
    assert!(cut.metadata.truncation && cut.answers.is_empty() && bytes.len() <= 512);
    for (reply, expect) in [
        (Reply::Nothing, ResponseCode::NoError),
        (Reply::NoName, ResponseCode::NXDomain),
        (Reply::Refused, ResponseCode::Refused),
        (Reply::NotImplemented, ResponseCode::NotImp),
        (Reply::Failed, ResponseCode::ServFail),
    ] {
        assert_eq!(code(&asked.answer(reply, 512)), expect);
    }
}
