//! A disk that failed under a desk: nothing more is written until the desk is opened anew, reading goes on.

use aisle_domain::Lane;
use aisle_mirror::{ActError, Mirror, MirrorError, outbox, settings};
use aisle_testkit::disk::{Crash, Disk, Fault, Io};

use crate::fixtures::{CLUSTER, assert_sound, at, entry, new_desk, note, open_alone, order, store};

fn desk(disk: &Disk) -> Mirror {
    let mirror = Mirror::create(&disk.path().join("desk"), &new_desk()).unwrap();
    let rows = [
        aisle_contract::DownBody::Store(Box::new(store(1))),
        aisle_contract::DownBody::Order(Box::new(order(1, 1))),
    ];
    let batch: Vec<_> = (0..).zip(rows).map(|(offset, row)| entry(offset, row)).collect();
    mirror.apply_feed(Lane::Orders, CLUSTER, &batch, at(1)).unwrap();
    mirror
}

fn act(mirror: &Mirror, number: u128) -> Result<(), ActError> {
    let new = aisle_mirror::NewChange {
        change_id: aisle_domain::ChangeId(uuid::Uuid::from_u128(number)),
        change: note(1, "hello"),
        by: "Ada".into(),
        at: at(100),
        held: false,
        replaces: None,
    };
    mirror.act(&new).map(|_| ())
}

fn waiting(mirror: &Mirror) -> i64 {
    mirror.read(outbox::counts).unwrap().ready
}

fn reopened(disk: &Disk, seconds: i64) -> Mirror {
    open_alone(&disk.path().join("desk"), seconds).unwrap()
}

#[test]
fn after_a_failed_sync_nothing_is_written_until_the_desk_is_opened_anew() {
    for fault in [Fault::Once(Io::Sync), Fault::SyncLost, Fault::Once(Io::Write)] {
        let disk = Disk::new(1).unwrap();
        let mirror = desk(&disk);
        act(&mirror, 1).unwrap();
        disk.fail(1, fault);
        let error = act(&mirror, 2).unwrap_err();
        assert!(matches!(error, ActError::Mirror(MirrorError::DiskFailed { .. })), "{fault:?}: {error}");
        let before = disk.operations();
        let again = mirror.write(|tx| settings::set(tx, "theme", "dark")).unwrap_err();
        assert_eq!(again.code(), "disk_failed");
        assert!(again.hint().unwrap().contains("start Aisle again"), "{:?}", again.hint());
        assert!(matches!(act(&mirror, 3), Err(ActError::Mirror(MirrorError::DiskFailed { .. }))));
        assert_eq!(disk.operations(), before, "the disk was not asked again");
        assert_eq!(waiting(&mirror), 1, "reading goes on");
        disk.crash(Crash::Kill).unwrap();
        drop(mirror);
        let mirror = reopened(&disk, 200);
        let kept = waiting(&mirror);
        assert!([1, 2].contains(&kept), "the act that was told as failed is there or not: {kept}");
        act(&mirror, 4).unwrap();
        disk.crash(Crash::PowerCut).unwrap();
        drop(mirror);
        let mirror = reopened(&disk, 300);
        assert_eq!(waiting(&mirror), kept + 1, "{fault:?}: what came after it is on the disk");
        assert_sound(&mirror);
    }
}

#[test]
fn a_full_disk_and_a_copy_that_fails_do_not_end_the_writing() {
    let disk = Disk::new(1).unwrap();
    let mirror = desk(&disk);
    disk.fail(1, Fault::Full);
    while act(&mirror, u128::from(disk.operations())).is_ok() {}
    disk.heal();
    act(&mirror, 1_000_000).unwrap();
    let copy = disk.path().join("copy.db");
    disk.fail(1, Fault::Once(Io::Sync));
    assert_eq!(mirror.backup_to(&copy).unwrap_err().code(), "io_error");
    assert!(!copy.exists());
    act(&mirror, 1_000_001).unwrap();
    mirror.backup_to(&copy).unwrap();
}
