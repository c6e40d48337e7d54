# Makes a version out of the one before it, whose image is in its place already: does what its input says, line by line, says the hashes
# of what came of it, and names it as a version where they are as expected. At any other end nothing of it is left.
use strict;
use warnings;
use Fcntl;
use POSIX ();

my ($new, $version, $base, $silence) = @ARGV;
my ($synced, $sums, $is_named);
$| = 1;
binmode STDIN;

END {
    my $status = $?;
    system 'rm', '-rf', $new if defined $new && !$is_named;
    $? = $status;
}
$SIG{$_} = sub { exit 1 } for qw(HUP INT TERM PIPE ALRM);

# A gateway that lost its power says nothing, not even that it is gone; and the folder of versions is locked meanwhile.
sub heard {
    my ($read) = @_;
    alarm $silence;
    my $got = $read->();
    alarm 0;
    return $got;
}

sub take {
    my ($left, $use) = @_;
    while ($left > 0) {
        my $part;
        my $got = heard(sub { read STDIN, $part, $left < 1048576 ? $left : 1048576 });
        exit 3 unless $got;
        $use->($part);
        $left -= $got;
    }
}

sub edit {
    my ($name, $at, $work) = @_;
    sysopen my $file, "$new/$name", O_RDWR | O_CREAT or die "$name: $!\n";
    sysseek $file, $at, 0 or die "$name: $!\n";
    my $put = sub {
        my ($part) = @_;
        for (my $done = 0; $done < length $part;) {
            my $wrote = syswrite $file, $part, length($part) - $done, $done;
            die "$name: $!\n" unless $wrote;
            $done += $wrote;
        }
    };
    $work->($put, $file);
    chmod 0644, $file;
    close $file or die "$name: $!\n";
}

while (defined(my $line = heard(sub { scalar <STDIN> }))) {
    my ($what, $name, @rest) = split ' ', $line;
    die "what is nothing?\n" unless defined $what;
    if ($what eq 'bytes') {
        my ($at, $length) = @rest;
        edit($name, $at, sub { take($length, $_[0]) });
    }
    elsif ($what eq 'zero') {
        my ($at, $length) = @rest;
        edit($name, $at, sub {
            for (my $left = $length; $left > 0; $left -= 1048576) {
                $_[0]->("\0" x ($left < 1048576 ? $left : 1048576));
            }
        });
    }
    elsif ($what eq 'wait') { }
    elsif ($what eq 'size') {
        edit($name, 0, sub { truncate $_[1], $rest[0] or die "$name: $!\n" });
    }
    elsif ($what eq 'copy') {
        system('cp', '--', "$base/$name", "$new/$name") == 0 or die "$name: not copied\n";
        chmod 0644, "$new/$name";
    }
    elsif ($what eq 'hash') {
        my @files = ($name, @rest);
        # On the disk, while the processor hashes; a disk says only once that it failed.
        $synced = fork // die "fork: $!\n";
        if (!$synced) {
            exec 'sync', map { "$new/$_" } @files or POSIX::_exit(1);
        }
        my @hash = grep({ -x "$_/openssl" } split /:/, $ENV{PATH}) ? qw(openssl dgst -r -sha256) : ('sha256sum');
        $sums = '';
        for my $file (@files) {
            open my $out, '-|', @hash, "$new/$file" or die "$hash[0]: $!\n";
            my $said = <$out> // '';
            close $out or die "$file: not hashed\n";
            $sums .= substr($said, 0, 64) . ' ';
        }
    }
    elsif ($what eq 'name') {
        last unless defined $sums && $sums eq join('', map { "$_ " } $name, @rest);
        waitpid $synced, 0;
        die "sync: status $?\n" if $?;
        system('sync', glob("$new/*"), $new) == 0 or die "sync: it failed\n";
        rename $new, $version or die "$version: $!\n";
        $is_named = 1;
        system('sync', '.') == 0 or die "sync: it failed\n";
        print "named\n";
        exit 0;
    }
    else { die "what is $what?\n" }
}
