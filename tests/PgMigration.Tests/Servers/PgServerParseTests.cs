using System.Security;

namespace PgMigration.Tests;

public sealed class PgServerParseTests
{
    [Theory]
    [InlineData("postgres://app:s%40cret@db.example.com:6432/shop", "db.example.com", 6432, "shop", "app", "s@cret")]
    [InlineData("postgresql://app@db/shop", "db", 5432, "shop", "app", null)]
    [InlineData("  postgres://app:x@db:/shop\n", "db", 5432, "shop", "app", "x")]
    [InlineData("postgres://app:a:b%2Fc%3F@db/my%20shop", "db", 5432, "my shop", "app", "a:b/c?")]
    [InlineData("postgres://app@[2001:db8::1]:6432/shop", "2001:db8::1", 6432, "shop", "app", null)]
    [InlineData("postgres://app@[fe80::1%25eth0]/shop", "fe80::1%eth0", 5432, "shop", "app", null)]
    [InlineData("postgres://app@%2Fvar%2Frun%2Fpg:6432/shop", "/var/run/pg", 6432, "shop", "app", null)]
    [InlineData("postgres://app@/shop?host=/tmp/pg&port=6432", "/tmp/pg", 6432, "shop", "app", null)]
    [InlineData("postgres://?host=db&user=app&dbname=shop&password=p%26q", "db", 5432, "shop", "app", "p&q")]
    [InlineData("postgres://app@db", "db", 5432, "app", "app", null)]
    [InlineData("host=db port=6432 user=app dbname=shop", "db", 6432, "shop", "app", null)]
    [InlineData(@"host = db user=app dbname='my shop' password='it\'s \\ me'", "db", 5432, "my shop", "app", @"it's \ me")]
    [InlineData(@"host=db user=app dbname=shop password=a\ b;c=d", "db", 5432, "shop", "app", "a b;c=d")]
    [InlineData("host=db user=app password='' dbname=shop", "db", 5432, "shop", "app", null)]
    [InlineData("Host=db;Port=6432;Username=app;Password=p;Database=shop", "db", 6432, "shop", "app", "p")]
    [InlineData("Server=db;User Id=app;Password=\"a;b\"\"c\";Database=shop;Pooling=true;Maximum Pool Size=5", "db", 5432, "shop", "app", "a;b\"c")]
    [InlineData("host=db;username=app;password='it''s';database=shop;", "db", 5432, "shop", "app", "it's")]
    public void The_parts_of_a_text_are_read(string text, string host, int port, string database, string user, string? password)
    {
        var server = PgServer.Parse(text);

        Assert.Equal((host, port, database, user, password), (server.Host, server.Port, server.Database, server.User, server.FindPassword()));
    }

    [Theory]
    [InlineData("postgres://u@h/d", "prefer")]
    [InlineData("postgres://u@h/d?sslmode=require", "require")]
    [InlineData("postgres://u@h/d?ssl=true", "require")]
    [InlineData("postgres://u@h/d?sslrootcert=system", "verify-full")]
    [InlineData("host=h user=u sslmode=verify-ca", "verify-ca")]
    [InlineData("Host=h;Username=u;SSL Mode=VerifyFull;Trust Server Certificate=true", "verify-full")]
    [InlineData("Host=h;Username=u;SslMode=Require", "require")]
    public void The_demand_on_TLS_is_read_in_every_form(string text, string mode) => Assert.Equal(mode, PgServer.Parse(text).SslMode);

    [Theory]
    [InlineData("postgrez://u:hunter2@h/d", "ServerTextInvalid", "scheme")]
    [InlineData("jdbc:postgresql://h/d?user=u&password=hunter2", "ServerTextInvalid", "jdbc:")]
    [InlineData("hunter2", "ServerTextInvalid", "none of the forms")]
    [InlineData("", "ServerTextInvalid", "none of the forms")]
    [InlineData("postgres://u:hun@ter2@h/d", "ServerTextInvalid", "%40")]
    [InlineData("postgres://u:hunt/er2@h/d", "ServerTextInvalid", "%2F")]
    [InlineData("postgres://u:hunt?er2@h/d", "ServerTextInvalid", "%3F")]
    [InlineData("postgres://u:hunter2/d", "ServerTextInvalid", "port")]
    [InlineData("postgres://u:hunter%2@h/d", "ServerTextInvalid", "the password holds a %")]
    [InlineData("postgres://u:hunter2@h:99999/d", "ServerTextInvalid", "port")]
    [InlineData("postgres://u:hunter2@[::1/d", "ServerTextInvalid", "IPv6")]
    [InlineData("postgres://u:hunter2@a,b/d", "ServerTextInvalid", "list of hosts")]
    [InlineData("postgres://u:hunter2@h/d?sslmod=require", "ServerOptionUnknown", "Is sslmode meant?")]
    [InlineData("postgres://u:hunter2@h/d?pool=5", "ServerOptionUnknown", "'pool'")]
    [InlineData("postgres://u:hunter2@h/d?sslmode=", "ServerOptionInvalid", "verify-full")] // as libpq, which does not take it for the default
    [InlineData("postgres://u:hunter2@h/d?sslmode=requre", "ServerOptionInvalid", "verify-full")]
    [InlineData("postgres://u:hunter2@h/d?sslmode=require&sslrootcert=system", "ServerOptionInvalid", "too weak")]
    [InlineData("postgres://u:hunter2@h/d?sslcrl=/x", "ServerOptionNotSupported", "sslcrl")]
    [InlineData("postgres://u:hunter2@h/d?target_session_attrs=read-write", "ServerOptionNotSupported", "target_session_attrs")]
    [InlineData("postgres://u:hunter2@h/d?gssencmode=require", "ServerOptionNotSupported", "gssencmode")]
    [InlineData("postgres://u:hunter2@h/d?require_auth=guess", "ServerOptionInvalid", "scram-sha-256")]
    [InlineData("postgres://u:hunter2@h/d?connect_timeout=soon", "ServerTextInvalid", "connect_timeout")]
    [InlineData("host=h user=u password=my hunter2 dbname=d", "ServerTextInvalid", "single quotes")]
    [InlineData("host=h user=u password='hunter2", "ServerTextInvalid", "none at its end")]
    [InlineData("host=h passwort=hunter2", "ServerOptionUnknown", "Is password meant?")]
    [InlineData("host=h password=x hunter2=y", "ServerOptionUnknown", "may be a piece of the password")]
    [InlineData("Host=h;Password=x;hunter2;Database=d", "ServerTextInvalid", "semicolon")]
    [InlineData("Host=h;Password=x;hunter2=y;Database=d", "ServerOptionUnknown", "may be a piece of the password")]
    [InlineData("Host=h;Password=\"hunter2;Database=d", "ServerTextInvalid", "closing quote")]
    [InlineData("service=nowhere password=hunter2", "ServiceNotFound", "[nowhere]")]
    public void Wrong_input_says_which_part_is_wrong_and_never_the_secret(string text, string errorId, string says)
    {
        var error = Assert.Throws<MigrationException>(() => PgServer.Parse(text));

        Assert.Equal(errorId, error.ErrorId);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotMatch("hun|ter2|er2", error.ToString().Split("   at ")[0]);
        Assert.False(PgServer.TryParse(text, out _));
    }

    [Theory]
    [InlineData("Host=db;Username=app Password=hunter2;Database=d")]
    [InlineData("Host=db;Username=app hunter2;Database=d")]
    [InlineData("Host=db;Username=app:hunter2;Database=d")]
    [InlineData("Host=db;Database=shop Password=hunter2")]
    [InlineData("Host=db;Database=shop;Application Name=x Password=hunter2")]
    [InlineData("Host=db;Root Certificate=/ca.pem Password=hunter2")]
    [InlineData("Host=db;Options=-c a=b Password=hunter2")]
    [InlineData("Host=db;Search Path=a,Password=hunter2")]
    [InlineData("Database=shop password=hunter2 Host=db")]
    [InlineData("User=app host=db password=hunter2")]
    [InlineData("User=app host=db pasword=hunter2")]
    [InlineData("host=db,password=hunter2")]
    [InlineData("host=/tmp&password=hunter2")]
    [InlineData("host=db user=app,password=hunter2")]
    [InlineData("host=db user=app/hunter2")]
    [InlineData("host=db user=app&password=hunter2")]
    [InlineData("host=db dbname=d;password=hunter2")]
    [InlineData("host=db dbname='d password=hunter2'")]
    [InlineData("host=u:hunter2")]
    [InlineData("postgres://app@db/shop&password=hunter2")]
    [InlineData("postgres://app@db/shop;password=hunter2")]
    [InlineData("postgres://app@db/shop password=hunter2")]
    [InlineData("postgres://app@db/shop:hunter2")]
    [InlineData("postgres://app@db/shop%3Fpassword%3Dhunter2")]
    [InlineData("postgres://app@db/shop?user=app;password=hunter2")]
    [InlineData("postgres://app@db/shop?user=app:hunter2")]
    [InlineData("postgres://app@db/shop?application_name=x;password=hunter2")]
    [InlineData("postgres://app@db/shop?application_name=x;pasword=hunter2")]
    [InlineData("postgres://app@db/shop?sslrootcert=/ca.pem;password=hunter2")]
    [InlineData("postgres://app@db/shop?options=-c%20a=b;password=hunter2")]
    [InlineData("postgres://app;hunter2@db/d")]
    [InlineData("postgres://app,hunter2@db/d")]
    [InlineData("postgres://app|hunter2@db/d")]
    public void A_mistyped_separator_never_draws_the_secret_into_what_is_shown(string text)
    {
        var error = Assert.Throws<MigrationException>(() => PgServer.Parse(text));

        Assert.Equal("ServerTextInvalid", error.ErrorId);
        Assert.DoesNotContain("hunter2", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postgres://app@db/a%3Bb%26c%3Dd%20e%3Af", "a;b&c=d e:f", "app")]
    [InlineData("postgres://dom%5Cme%3B%3A@db/d", "d", @"dom\me;:")]
    [InlineData("host=db user='a:b;c' dbname='x=y;z'", "x=y;z", "a:b;c")]
    [InlineData("Host=db;Username=\"a b\";Database='x=y;z'", "x=y;z", "a b")]
    [InlineData("Host=db;Username=app;Database=my shop", "my shop", "app")]
    [InlineData("host=db user=app@tenant dbname=a-b.c", "a-b.c", "app@tenant")]
    public void An_odd_name_that_is_quoted_or_encoded_is_meant_as_it_stands(string text, string database, string user)
    {
        var server = PgServer.Parse(text);

        Assert.Equal((database, user), (server.Database, server.User));
        Assert.Equal(server, PgServer.Parse(server.ToString()));
    }

    [Theory]
    [InlineData("postgres://u:{0}@h:5432/d?sslmode=require")]
    [InlineData("postgres://u:{0}@h")]
    [InlineData("postgres://u@h/d?password={0}&sslmode=require")]
    [InlineData("host=h user=u password={0} dbname=d")]
    [InlineData("host=h user=u password='{0}' dbname=d")]
    [InlineData("Host=h;Username=u;Password={0};Database=d")]
    [InlineData("Host=h;Username=u;Password=\"{0}\";Database=d")]
    public void No_piece_of_a_secret_with_an_unescaped_letter_comes_out(string form)
    {
        for (char letter = ' '; letter < 127; letter++)
        {
            foreach (string between in new[] { $"{letter}", $"{letter}{letter}", $"{letter}=", $" {letter}", $"{letter}@", $"={letter}" })
            {
                string text = form.Replace("{0}", $"XQ7{between}WK9", StringComparison.Ordinal);
                string shown;
                try
                {
                    var server = PgServer.Parse(text);
                    shown = $"{server} {System.Text.Json.JsonSerializer.Serialize(server)} {server.Host} {server.Database} {server.User}";
                }
                catch (MigrationException error)
                {
                    shown = error.ToString().Split("   at ")[0];
                }

                Assert.False(shown.Contains("XQ7", StringComparison.Ordinal) || shown.Contains("WK9", StringComparison.Ordinal), $"{text} gave {shown}");
            }
        }
    }

    [Theory]
    [InlineData("postgres://u@h:6432/d", "postgres://u@h:6432/d")]
    [InlineData("postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/etc/ca.pem&channel_binding=require&connect_timeout=3", "postgres://u@h:5432/d?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&channel_binding=require&connect_timeout=3")]
    [InlineData("postgres://u:secret@[::1]/d", "postgres://u@[::1]:5432/d")]
    [InlineData("host=/tmp/pg user='a b' password=secret dbname='x/y'", "postgres://a%20b@%2Ftmp%2Fpg:5432/x%2Fy")]
    public void The_text_form_reads_back_with_everything_but_the_secret(string text, string shown)
    {
        var server = PgServer.Parse(text);
        var again = PgServer.Parse(server.ToString());

        Assert.Equal(shown, server.ToString());
        Assert.Equal(shown, again.ToString());
        Assert.Equal(server, again);
        Assert.Null(again.FindPassword());
    }

    [Fact]
    public void Json_holds_the_text_form_and_reads_it_back()
    {
        var server = PgServer.Parse("postgres://u:hunter2@h/d?sslmode=require&sslpassword=hunter3");
        string json = System.Text.Json.JsonSerializer.Serialize(new { Target = server });

        Assert.Equal("""{"Target":"postgres://u@h:5432/d?sslmode=require"}""", json);
        Assert.Equal("require", System.Text.Json.JsonSerializer.Deserialize<PgServer>("\"postgres://u@h:5432/d?sslmode=require\"")!.SslMode);
    }

    [Fact]
    public void Equal_is_what_reaches_the_same_database_as_the_same_login()
    {
        Assert.Equal(PgServer.Parse("postgres://u:a@H/d?sslmode=require"), PgServer.Parse("host=h user=u dbname=d password=b"));
        Assert.NotEqual(PgServer.Parse("postgres://u@h/d"), PgServer.Parse("postgres://u@h/e"));
        Assert.NotEqual(PgServer.Parse("postgres://u@h/d"), PgServer.Parse("postgres://v@h/d"));
        Assert.NotEqual(PgServer.Parse("postgres://u@h:1/d"), PgServer.Parse("postgres://u@h:2/d"));
    }

    [Fact]
    public void A_credential_replaces_the_login_and_its_secret()
    {
        using var secret = new SecureString();
        "hunter2".ToList().ForEach(secret.AppendChar);
        var server = PgServer.Parse("postgres://u:old@h/d?sslmode=require");

        Assert.Null(server.WithUser("v").FindPassword());
        Assert.Equal("hunter2", server.WithUser("v").WithPassword(secret).FindPassword());
        Assert.Equal("require", server.WithUser("v").WithPassword(secret).WithDatabase("e").WithHost("i", 1).SslMode);
    }

    [Fact]
    public void A_mode_too_weak_for_public_authorities_is_refused_later_too() =>
        Assert.Equal("ServerOptionInvalid", Assert.Throws<MigrationException>(() => new PgServer("h", 1, "d", "u").WithSslMode("require", "system")).ErrorId);
}
