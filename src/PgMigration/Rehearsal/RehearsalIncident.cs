namespace PgMigration;

/// <summary>An accident on record that a rehearsal replays.</summary>
public enum RehearsalIncident
{
    /// <summary>None: all goes as it should.</summary>
    None,

    /// <summary>
    /// After a cutover by DMS nobody makes the sequences: new rows take ids that are taken, the error rate jumps, and the site goes down a second time.
    /// </summary>
    SequencesForgotten,
}
