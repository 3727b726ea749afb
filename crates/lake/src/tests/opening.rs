//! Opening after crashes and damage: what is taken back, what is handed over again, what is refused.

use super::support::*;
use crate::*;

/// A lake with three commits of ten events each, closed.
async fn three_commits(site: &Site) -> Vec<Event> {
    let events = random_events(&mut Dice(5), 0, 30);
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for (i, part) in (0..).zip(events.chunks(10)) {
        writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
        writer.flush().await.unwrap();
    }
    events
}

fn last_commit(site: &Site) -> std::path::PathBuf {
    let commits = site.files(".json");
    commits.into_iter().rfind(|p| p.to_string_lossy().contains("events/_delta_log")).unwrap()
}

/// Opens the damaged lake, hands over again from where it stands, and expects every event once.
async fn recovers(site: &Site, events: &[Event], position: u64) {
    assert!(Lake::read(&site.place, options()).await.is_err(), "a reader does not mend");
    let (lake, repairs) = site.open_with(options()).await;
    assert_eq!(repairs.len(), 1);
    let writer = lake.writer().await.unwrap();
    assert_eq!(writer.position(0).unwrap_or(0), position, "{repairs:?}");
    for (i, part) in (0..).zip(events.chunks(10)) {
        writer.hand_over(handover(i, i + 1, part.to_vec())).unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(scanned(&lake.snapshot(), everything()).await, modelled(events, &everything()));
    assert_eq!(count(&site.open().await.snapshot()).await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_or_empty_last_commit_is_taken_back_and_handed_over_again() {
    for keep in [0, 1, 150] {
        let site = Site::disk();
        let events = three_commits(&site).await;
        let path = last_commit(&site);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..keep]).unwrap();
        recovers(&site, &events, 2).await;
        assert_eq!(site.files("0.json").iter().filter(|p| p.to_string_lossy().contains("_torn")).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_short_data_file_takes_its_commit_back() {
    for is_short in [false, true] {
        let site = Site::disk();
        let events = three_commits(&site).await;
        let lines = std::fs::read_to_string(last_commit(&site)).unwrap();
        let add = lines.lines().find(|line| line.contains("\"add\"")).unwrap();
        let add: serde_json::Value = serde_json::from_str(add).unwrap();
        let path = site.directory.path().join("lake/ws-1/events").join(add["add"]["path"].as_str().unwrap());
        if is_short {
            std::fs::write(&path, b"PAR1").unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        recovers(&site, &events, 2).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_in_the_log_ends_it() {
    let site = Site::disk();
    let events = three_commits(&site).await;
    let last = last_commit(&site);
    let commits = site.files(".json");
    let before = commits.iter().rfind(|p| p.parent() == last.parent() && **p < last).unwrap();
    std::fs::remove_file(before).unwrap();
    recovers(&site, &events, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_whose_creation_was_torn_is_made_anew() {
    let site = Site::disk();
    drop(site.open().await);
    std::fs::write(last_commit(&site), b"").unwrap();
    let (lake, repairs) = site.open_with(options()).await;
    assert_eq!((repairs.len(), repairs[0].version), (1, -1));
    assert_eq!(count(&lake.snapshot()).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_data_file_and_commit_leaves_nothing_but_an_orphan() {
    for site in Site::both().await {
        let events = three_commits(&site).await;
        let known = site.files(".parquet");
        let orphan = known.iter().find(|p| p.to_string_lossy().contains("/L0-")).unwrap();
        let lost = orphan.with_file_name("L0-0000000000000000000000zzzz.parquet");
        std::fs::copy(orphan, &lost).unwrap();
        let clock = std::sync::Arc::new(TestClock::default());
        let (lake, repairs) = site.open_with(Options { clock: clock.clone(), ..options() }).await;
        assert_eq!((repairs.len(), count(&lake.snapshot()).await), (0, 30));
        assert_eq!(lake.vacuum().await.unwrap().files_deleted, 0, "its commit may be under way");
        clock.forward(2 * kernel::time::HOUR);
        assert_eq!(lake.vacuum().await.unwrap().files_deleted, 1);
        assert!(!lost.try_exists().unwrap());
        assert_eq!(scanned(&lake.snapshot(), everything()).await, modelled(&events, &everything()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_checkpoint_is_replaced_by_the_commits_before_it() {
    let site = Site::disk();
    let lake = site.open().await;
    let writer = lake.writer().await.unwrap();
    for i in 0..40 {
        writer.hand_over(handover(i, i + 1, vec![event(i, 1, "a", MONDAY, "{}")])).unwrap();
        writer.flush().await.unwrap();
    }
    assert!(
        lake.maintain(&Policy { flushed_max: 1_000, week_closed_after: i64::MAX / 2, ..Policy::default() })
            .await
            .unwrap()
            .has_checkpoint
    );
    let checkpoint = site.files(".checkpoint.parquet").remove(0);
    std::fs::write(&checkpoint, b"PAR1").unwrap();
    let lake = site.open().await;
    assert_eq!(count(&lake.snapshot()).await, 40);
    assert!(!checkpoint.try_exists().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_beside_the_owner_sees_commits_when_it_asks() {
    for site in Site::both().await {
        let owner = site.open().await;
        let writer = owner.writer().await.unwrap();
        let reader = Lake::read(&site.place, options()).await.unwrap();
        writer.hand_over(handover(0, 1, random_events(&mut Dice(6), 0, 10))).unwrap();
        writer.flush().await.unwrap();
        assert_eq!(count(&reader.snapshot()).await, 0);
        reader.refresh().await.unwrap();
        assert_eq!(count(&reader.snapshot()).await, 10);
    }
    let nowhere = Site::disk();
    assert!(matches!(Lake::read(&nowhere.place, options()).await, Err(Error::Unreadable(_))));
}
